import { realpath } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { checkedOutAt, headRef } from "../../platform/git/branches.ts";
import type { Git } from "../../platform/git/git.ts";
import { moveRef, readHead } from "../../platform/git/refs.ts";
import { inspectRepository } from "../../platform/git/repository.ts";
import { CHECKOUT_TIMEOUT_MS } from "../checkout/checkout.ts";
import type { OperationContext } from "./context.ts";

/** The work tree that must come along when the branch is moved; null: nobody has it checked out. */
export type Landing = string | null;

/** The last step of a merge: `into` is to go from one commit (`NO_COMMIT`: it is made) to another one. */
export interface Move {
  into: string;
  from: string;
  to: string;
  /** The branch that was merged. */
  branch: string;
}

/**
 * Finds out how a merge into a branch can land. Throws `conflict` where it cannot: a person has the branch checked out
 * and changes there, or it is checked out anywhere but in the repository itself.
 */
export async function landingFor({ git, at, repository }: OperationContext, into: string): Promise<Landing> {
  const place = await checkedOutAt(git, at, headRef(into));
  if (place === null) return null;
  if ((await realpath(place).catch(() => place)) !== repository.topLevel) {
    throw new MakimaError("conflict", `The branch ${into} is checked out in ${place}`, {
      hint: "Switch to another branch there, or remove that worktree with `git worktree remove`, and merge again.",
    });
  }
  await requireClean(git, repository.topLevel, into);
  return repository.topLevel;
}

/** Moves the branch; false, and nothing moved, when it is no longer where it was. */
export async function land({ git, at, steadyGit }: OperationContext, landing: Landing, move: Move): Promise<boolean> {
  const message = `makima: merge ${move.branch}`;
  const ref = headRef(move.into);
  if (landing === null) return moveRef(git, at, { ref, from: move.from, to: move.to, message });
  const head = await readHead(git, { cwd: landing });
  if (head.ref !== ref || head.commit !== move.from) return false;
  await requireClean(git, landing, move.into);
  return forward(steadyGit, landing, move, message);
}

/** What is not committed could be lost, and what was merged could not be told from it. */
async function requireClean(git: Git, dir: string, into: string): Promise<void> {
  const { dirtyFiles } = await inspectRepository(git, dir);
  if (dirtyFiles === 0) return;
  throw new MakimaError("conflict", `The branch ${into} is checked out in ${dir}, which has uncommitted changes`, {
    hint: "Commit or stash what is changed there, or switch to another branch, and merge again.",
  });
}

/**
 * A branch that a person has checked out comes along with its files, by git's own fast-forward: that checks everything
 * again under the lock of the index, and changes nothing at all if a file is in the way, also one that is ignored.
 */
async function forward(git: Git, dir: string, { to, from }: Move, message: string): Promise<boolean> {
  const args = ["merge", "--ff-only", "--no-overwrite-ignore", "--no-autostash", "--no-verify-signatures", "--no-stat"];
  const result = await git({ cwd: dir }, [...args, "--quiet", to], {
    accept: [1, 128],
    timeoutMs: CHECKOUT_TIMEOUT_MS,
    variables: { GIT_REFLOG_ACTION: message },
  });
  if (result.exitCode === 0) return true;
  if ((await readHead(git, { cwd: dir })).commit !== from) return false;
  const words = result.stderr.trim().replace(/\s+/g, " ").slice(0, MAX_WORDS);
  throw new MakimaError("conflict", `git did not merge in ${dir}: ${words}`, {
    hint: "Mend that there, or switch to another branch, and merge again.",
  });
}

/** Enough for the names of some files. */
const MAX_WORDS = 1_000;
