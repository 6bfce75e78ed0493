import { listRefs } from "../../platform/git/branches.ts";
import type { Salvaged } from "../../protocol/operations.ts";
import { repositoryAt } from "../checkout/checkout.ts";
import type { WorktreesContext } from "./context.ts";

/** Folder of the refs that keep what was in no branch when its checkout was removed. */
const SALVAGE = "refs/makima/salvage/";

type Repositories = Pick<WorktreesContext, "git" | "allowsRepository" | "repositories">;

/** Work that was salvaged in the repositories of this daemon, those that it may still work in; the newest first. */
export async function salvagedWork({ git, allowsRepository, repositories }: Repositories): Promise<Salvaged[]> {
  const found: Salvaged[] = [];
  for (const repository of await repositories.present()) {
    if (!allowsRepository(repository)) continue;
    for (const { ref, ...tip } of await listRefs(git, repositoryAt({ commonDir: repository }), SALVAGE)) {
      found.push({ ref, taskId: taskOf(ref), repository, ...tip });
    }
  }
  return found.toSorted((a, b) => b.at - a.at);
}

function taskOf(ref: string): string {
  const [taskId = ""] = ref.slice(SALVAGE.length).split("/");
  return taskId;
}
