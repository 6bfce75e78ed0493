import { MakimaError } from "../../core/errors.ts";
import type { OperationRequest, OrderOf } from "../../protocol/operations.ts";
import type { Db } from "../db/store.ts";
import { isId, resolveId } from "../ids.ts";
import { requireBranchName, requireRef } from "./names.ts";
import { wantedTasks } from "./wanted.ts";

/** What is asked of a daemon about itself, and not about a contract. */
export type DaemonRequest = Extract<OperationRequest, { daemon: string }>;

/**
 * What a daemon is to do with its own checkouts for a request. Throws `invalid_request` for what it names, `not_found` or
 * `ambiguous` for a task.
 */
export async function worktreeOrder(
  db: Db,
  daemonId: string,
  request: DaemonRequest,
): Promise<OrderOf<DaemonRequest["kind"]>> {
  const { kind } = request;
  switch (kind) {
    case "ListWorktrees":
      return { kind, salvaged: request.salvaged, wanted: await wantedTasks(db, daemonId) };
    case "CleanWorktrees": {
      const tasks = request.tasks.length === 0 ? null : await resolveTasks(db, request.tasks);
      return { kind, tasks, wanted: await wantedTasks(db, daemonId), dryRun: request.dryRun };
    }
    case "RestoreWorktree":
      requireSalvage(request.ref);
      if (request.branch !== undefined) requireBranchName("branch", request.branch);
      return { kind, ref: request.ref, branch: request.branch ?? null };
  }
}

/** A whole id stands for itself: a daemon may have checkouts of tasks that this server does not know. */
async function resolveTasks(db: Db, given: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const task of given) ids.push(isId(task) ? task : await resolveId(db, "tasks", task));
  return [...new Set(ids)];
}

const SALVAGE = "refs/makima/salvage/";

function requireSalvage(ref: string): void {
  requireRef("ref", ref);
  if (ref.startsWith(SALVAGE)) return;
  throw new MakimaError("invalid_request", `ref: ${ref} is nothing that was salvaged`, {
    hint: `Its name begins with ${SALVAGE}; \`makima worktree list --salvaged\` lists what there is.`,
  });
}
