import { realpath } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import { headRef } from "../../platform/git/branches.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";
import { NO_COMMIT, readRef } from "../../platform/git/refs.ts";
import { findCommit } from "../../platform/git/repository.ts";
import type { Repository } from "../../platform/git/repository.ts";
import type { Logger } from "../../platform/log.ts";
import type { OperationKind, OperationResult, OrderOf, Place } from "../../protocol/operations.ts";
import { checkoutDirectory, findCheckout } from "../checkout/checkout.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { requirePlainNames } from "../journal/plain-names.ts";
import type { Sandboxes } from "../sandbox/sandboxes.ts";

/** What operations of a daemon work with. */
export interface OperationServices {
  git: Git;
  sandboxes: Sandboxes;
  /** Directory below which checkouts are. */
  worktrees: string;
  /** The daemon's own environment: the source of what checks and `gh` are given by name. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Names that checks get besides the basics. */
  passEnv: readonly string[];
  /** Whether a run of the task is at work in this daemon. */
  isAtWork: (taskId: string) => boolean;
  log: Logger;
}

/** One operation, in a repository where the daemon may work. */
export interface OperationContext extends OperationServices {
  /** Ends with the operation, like everything else that is given `signal`. */
  git: Git;
  /** Is not ended, but waited for: for a step that must not be left half done in somebody's work tree. */
  steadyGit: Git;
  signal: AbortSignal;
  repository: Pick<Repository, "topLevel" | "commonDir">;
  /** The repository itself, without any work tree. */
  at: GitLocation;
  /** Directory below which it may put what it needs meanwhile: see Scratch. */
  scratch: string;
}

/** Carries one kind of operation out. May be done again after a crash at any point, and comes to the same. */
export type Carry<K extends OperationKind> = (
  context: OperationContext,
  order: OrderOf<K>,
) => Promise<OperationResult<K>>;

/** The checkout that a task works in, or has left; null when there is none. */
export async function taskCheckout(context: OperationContext, place: Place): Promise<Checkout | null> {
  requirePlainNames("task", [place.taskId]);
  const worktrees = await realWorktrees(context.worktrees);
  const checkout = worktrees === null ? null : await findCheckout(checkoutDirectory(worktrees, place));
  if (checkout === null || checkout.commonDir === context.at.gitDir) return checkout;
  throw new MakimaError("conflict", `${checkout.dir} is no checkout of ${context.repository.topLevel}`);
}

/** Tip of a task's branch. Throws `not_found` when there is no such branch. */
export async function taskTip({ git, at }: OperationContext, { branch }: Place): Promise<string> {
  const tip = await readRef(git, at, headRef(branch));
  if (tip !== NO_COMMIT) return tip;
  throw new MakimaError("not_found", `There is no branch ${branch}`, {
    hint: "A task has a branch once it has been started, for as long as nobody deletes it.",
  });
}

/** The commit that a branch, tag or id means, a branch before a tag of the same name; null when there is none. */
export async function findNamed({ git, at }: { git: Git; at: GitLocation }, name: string): Promise<string | null> {
  return (await findCommit(git, at, `refs/heads/${name}`)) ?? findCommit(git, at, name);
}

/** Throws `base_unknown` unless it is the id of a commit that is here. */
export async function requireCommit({ git, at }: OperationContext, id: string): Promise<void> {
  const known = /^[0-9a-f]{40,64}$/.test(id) && (await findCommit(git, at, id)) === id;
  if (!known) throw new MakimaError("base_unknown", `There is no commit ${JSON.stringify(id)} in ${at.cwd}`);
}

async function realWorktrees(dir: string): Promise<string | null> {
  try {
    return await realpath(dir);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}
