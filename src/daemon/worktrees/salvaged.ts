import { listRefs } from "../../platform/git/branches.ts";
import type { Salvaged } from "../../protocol/operations.ts";
import { repositoryAt } from "../checkout/checkout.ts";
import type { WorktreesContext } from "./context.ts";

/** Folder of the refs that keep what was in no branch when its checkout was removed. */
const SALVAGE = "refs/makima/salvage/";

type Repositories = Pick<WorktreesContext, "git" | "allowsRepository" | "repositories" | "log">;

/**
 * Work that was salvaged in the repositories of this daemon, those that it may still work in; the newest first. One that
 * git cannot read (any more) keeps nobody from what the others have.
 */
export async function salvagedWork(context: Repositories): Promise<Salvaged[]> {
  const found: Salvaged[] = [];
  for (const repository of await context.repositories.present()) {
    if (!context.allowsRepository(repository)) continue;
    try {
      found.push(...(await salvagedIn(context, repository)));
    } catch (error) {
      context.log.warn({ err: error, repository }, "what was salvaged in a repository cannot be listed");
    }
  }
  return found.toSorted((a, b) => b.at - a.at);
}

async function salvagedIn({ git }: Repositories, repository: string): Promise<Salvaged[]> {
  const refs = await listRefs(git, repositoryAt({ commonDir: repository }), SALVAGE);
  return refs.map(({ ref, ...tip }) => ({ ref, taskId: taskOf(ref), repository, ...tip }));
}

function taskOf(ref: string): string {
  const [taskId = ""] = ref.slice(SALVAGE.length).split("/");
  return taskId;
}
