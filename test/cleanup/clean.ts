import { removeCheckout } from "../../src/daemon/checkout/remove.ts";
import type { Worktrees } from "../../src/daemon/worktrees/worktrees.ts";
import { exists } from "../../src/platform/files.ts";
import type { Git } from "../../src/platform/git/git.ts";
import { until } from "../support/until.ts";
import { NEVER } from "../support/worktrees.ts";

/** The ways in which a checkout goes. */
export const METHODS = ["remove", "contract-over", "by-hand", "sweep"] as const;
export type Method = (typeof METHODS)[number];

interface Cleaning {
  git: Git;
  worktrees: Worktrees;
  taskId: string;
  dir: string;
}

/** Removes a task's checkout by one of the ways; whether it is gone is the caller's to see. */
export async function clean(method: Method, { git, worktrees, taskId, dir }: Cleaning): Promise<void> {
  switch (method) {
    case "remove":
      await removeCheckout(git, dir, { deleteBranch: "keep" }).catch(() => undefined);
      return;
    case "contract-over":
      await worktrees.cleanUp({ kind: "CleanupWorktree", contractId: "contract", taskIds: [taskId] }, NEVER);
      return;
    case "by-hand":
      await worktrees.carryOut({ kind: "CleanWorktrees", tasks: [taskId], wanted: [], dryRun: false }, NEVER);
      return;
    case "sweep":
      worktrees.welcomed([taskId]);
      await until(async () => !(await exists(`${dir}.json`)), "the orphan is swept");
  }
}
