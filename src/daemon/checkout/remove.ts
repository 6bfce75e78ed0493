import { chmod, lstat, mkdir, realpath, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import { changedPaths } from "../../platform/git/diff.ts";
import type { Git } from "../../platform/git/git.ts";
import { deleteRef, NO_COMMIT } from "../../platform/git/refs.ts";
import { branchRef, checkoutOf, isPresent, locationOf, readRecord, removeRecord } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { removeTree } from "./remove-tree.ts";
import { salvage, salvageRef } from "./salvage.ts";
import { snapshotTree } from "./snapshot.ts";
import { removeEntry } from "./worktree-entry.ts";
import { abandon, repositoryAt } from "./worktree.ts";

interface Removal {
  deleteBranch: "if-unchanged" | "keep";
  /** The ref that keeps what is in no branch; by default the task's own. */
  salvageTo?: string;
}

export interface RemovedCheckout {
  /** The ref that keeps what was in no branch, null when there was nothing to keep. */
  salvage: string | null;
  branchDeleted: boolean;
}

/**
 * Removes the checkout at `dir`, after keeping what only it has; ignored files are not kept. Done again after a crash at
 * any point, it finishes; where there is nothing, it does nothing. With "if-unchanged" the branch goes too if it is still
 * at the base. Throws `conflict`, with nothing removed, when something else took the directory's place, or when it holds
 * work that git cannot keep.
 */
export async function removeCheckout(
  git: Git,
  dir: string,
  { deleteBranch, salvageTo }: Removal,
): Promise<RemovedCheckout> {
  const place = await resolveParent(dir);
  const record = place === null ? null : await readRecord(place);
  if (place === null || record === null) return nothingKnown(dir);
  if (record.made === null) return { salvage: null, ...(await abandon(git, place, record)) };
  const checkout = checkoutOf(place, record, record.made);
  const trash = join(dirname(place), ".trash", basename(place));
  let kept: string | null = null;
  if (await isPresent(place, record.made)) {
    kept = await keepWork(git, checkout, salvageTo ?? salvageRef(record.taskId));
    await discard(place, trash);
  }
  await removeTree(trash);
  const branchDeleted =
    deleteBranch === "if-unchanged" &&
    (await deleteRef(git, repositoryAt(record), branchRef(record), record.baseCommit));
  await removeEntry(record.made.gitDir);
  // The record goes last: while it is there, the removal is not finished.
  await removeRecord(place);
  return { salvage: kept, branchDeleted };
}

async function resolveParent(dir: string): Promise<string | null> {
  try {
    return join(await realpath(dirname(dir)), basename(dir));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

async function nothingKnown(dir: string): Promise<RemovedCheckout> {
  try {
    await lstat(dir);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return { salvage: null, branchDeleted: false };
    throw error;
  }
  throw new MakimaError("conflict", `${dir} was not made by makima`, { hint: "Remove it by hand if it should go." });
}

async function keepWork(git: Git, checkout: Checkout, ref: string): Promise<string | null> {
  const snapshot = await snapshotTree(git, checkout);
  const nested = await nestedRepositories(git, checkout, snapshot);
  if (snapshot.complete && nested.length === 0) {
    return (await salvage(git, checkout, snapshot, ref)) ? ref : null;
  }
  const what = nested.length === 0 ? "files that git cannot take in" : `repositories of its own (${nested.join(", ")})`;
  throw new MakimaError("conflict", `${checkout.dir} holds ${what}, so it is not deleted`, {
    hint: "Move them away or delete them, and try again.",
  });
}

/** Repositories that the agent made inside the checkout: git records their commit, not what is in them. */
async function nestedRepositories(
  git: Git,
  checkout: Checkout,
  { tree, head }: { tree: string; head: string },
): Promise<string[]> {
  const before = head === NO_COMMIT ? checkout.baseCommit : head;
  const changes = await changedPaths(git, locationOf(checkout), before, tree);
  return changes.filter(({ newMode }) => newMode === "160000").map(({ path }) => path);
}

/** One rename takes the checkout out of sight, so nobody ever finds half of it; the same file system makes it atomic. */
async function discard(dir: string, trash: string): Promise<void> {
  await mkdir(dirname(trash), { recursive: true, mode: 0o700 });
  await removeTree(trash);
  // Moving a directory to another parent changes its `..`, which takes write permission on the directory itself.
  await chmod(dir, 0o700);
  await rename(dir, trash);
}
