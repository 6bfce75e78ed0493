import { MakimaError } from "../../core/errors.ts";
import { shortId } from "../../core/ids.ts";
import { headRef } from "../../platform/git/branches.ts";
import { moveRef, NO_COMMIT, readRef, requireBranchName } from "../../platform/git/refs.ts";
import type { OperationResult, OrderOf, Salvaged } from "../../protocol/operations.ts";
import { repositoryAt } from "../checkout/checkout.ts";
import type { WorktreesContext } from "./context.ts";
import { salvagedWork } from "./salvaged.ts";

/** Names that are tried, where the caller gives none. */
const MOST_NAMES = 100;

/** Repositories that an error names. */
const MOST_NAMED = 5;

/**
 * Makes a branch of the salvaged work at `ref`, its full name. The branch may be there already at the same commit. Throws
 * `not_found`, `ambiguous` for a ref that several repositories have, or `conflict` when the branch is elsewhere.
 */
export async function restoreWorktree(
  context: WorktreesContext,
  order: OrderOf<"RestoreWorktree">,
): Promise<OperationResult<"RestoreWorktree">> {
  const { ref, taskId, repository, commit } = await find(context, order.ref);
  const at = repositoryAt({ commonDir: repository });
  for (const branch of order.branch === null ? namesFor(taskId) : [order.branch]) {
    requireBranchName(branch);
    const head = headRef(branch);
    const change = { ref: head, to: commit, from: NO_COMMIT, message: `makima: restored from ${ref}` };
    const there = (await moveRef(context.git, at, change)) || (await readRef(context.git, at, head)) === commit;
    if (there) return { ref, repository, branch, commit };
  }
  throw new MakimaError(
    "conflict",
    `The branch ${order.branch ?? namesFor(taskId)[0]} exists already, and is elsewhere`,
    {
      hint: "Choose another name with --branch, or delete that branch.",
    },
  );
}

async function find(context: WorktreesContext, name: string): Promise<Salvaged> {
  const [first, ...others] = (await salvagedWork(context)).filter(({ ref }) => ref === name);
  if (first === undefined) {
    throw new MakimaError("not_found", `Nothing that was salvaged is called ${JSON.stringify(name)}`, {
      hint: "List what there is with `makima worktree list --salvaged`.",
    });
  }
  if (others.length === 0) return first;
  const which = [first, ...others].slice(0, MOST_NAMED).map(({ repository }) => repository);
  throw new MakimaError(
    "ambiguous",
    `${others.length + 1} repositories have ${JSON.stringify(name)}: ${which.join(", ")}`,
    {
      hint: "Make the branch with git, in the repository that is meant.",
    },
  );
}

/** Task ids begin with their time; neighbours would fight for one name. */
function namesFor(taskId: string): string[] {
  const name = `makima/salvaged/${shortId(taskId).toLowerCase()}`;
  return [name, ...Array.from({ length: MOST_NAMES - 1 }, (_, index) => `${name}-${index + 2}`)];
}
