import { chmod, lstat, mkdir, realpath, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import { deleteRef } from "../../platform/git/refs.ts";
import { killByEnvironment } from "../../platform/process/reap.ts";
import {
  branchRef,
  CHECKOUT_MARKER,
  checkoutOf,
  isPresent,
  readRecord,
  removeRecord,
  repositoryAt,
  repositoryIsThere,
} from "./checkout.ts";
import type { Checkout, CheckoutRecord } from "./checkout.ts";
import { kindOf } from "./kinds.ts";
import { lastSnapshot } from "./last-snapshot.ts";
import { removeTree } from "./remove-tree.ts";
import { keepLoose, salvage, salvageRef } from "./salvage.ts";

interface Removal {
  deleteBranch: "if-unchanged" | "keep";
  /** The ref that keeps what is in no branch; by default the task's own. */
  salvageTo?: string;
}

type Made = NonNullable<CheckoutRecord["made"]>;

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
  const trash = join(await trashIn(dirname(place)), basename(place));
  const ref = salvageTo ?? salvageRef(record.taskId);
  const present = await isPresent(place, record.made);
  const kept = await (present ? keepWork : keepHead)(git, checkout, ref);
  if (present) await discard(place, { made: record.made, trash });
  await deleteTrash(trash);
  const branchDeleted = deleteBranch === "if-unchanged" && (await deleteBranchAt(git, record, record.baseCommit));
  await kindOf(record).forget(git, place, record);
  // The record goes last: while it is there, the removal is not finished.
  await removeRecord(place);
  return { salvage: kept, branchDeleted };
}

/**
 * Gives up a checkout that never became whole: the directory, what belongs to it elsewhere, and the branch if nothing was
 * added to it. No agent has worked there.
 */
export async function abandon(git: Git, dir: string, record: CheckoutRecord): Promise<{ branchDeleted: boolean }> {
  await clear(dir, record);
  const branchDeleted = await deleteBranchAt(git, record, record.start);
  await kindOf(record).forget(git, dir, record);
  await removeRecord(dir);
  return { branchDeleted };
}

/** Takes back what the making of a checkout has left behind, but for its branch. */
export async function clear(dir: string, record: CheckoutRecord): Promise<void> {
  // A daemon that is killed leaves its git at work, which would write into what is being made anew.
  await killByEnvironment(CHECKOUT_MARKER, dir);
  await kindOf(record).clear(dir, record);
}

/**
 * Where checkouts of the directory `root` go before they are deleted; it need not be there yet. Throws `conflict` for a
 * link: what it leads to is not makima's to delete.
 */
export async function trashIn(root: string): Promise<string> {
  const trash = join(root, ".trash");
  try {
    if ((await lstat(trash)).isDirectory()) return trash;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return trash;
    throw error;
  }
  throw new MakimaError("conflict", `${trash} is not the directory that makima made there`, { hint: "Move it away." });
}

async function deleteBranchAt(git: Git, record: CheckoutRecord, commit: string): Promise<boolean> {
  if (!(await repositoryIsThere(record))) return false;
  return deleteRef(git, repositoryAt(record), branchRef(record), commit);
}

/** Without its repository a checkout has no history, so that nobody can say what in it is nowhere else. */
async function requireRepository({ dir, commonDir }: Checkout): Promise<void> {
  if (await repositoryIsThere({ commonDir })) return;
  throw new MakimaError("conflict", `The repository ${commonDir} is gone, so what is only in ${dir} cannot be kept`, {
    hint: "Put the repository back; or save what you need of the directory, delete it by hand, and try again.",
  });
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
  await requireRepository(checkout);
  await kindOf(checkout).openUp(checkout);
  const { nested, ...snapshot } = await lastSnapshot(git, checkout);
  if (snapshot.complete && nested.length === 0) {
    return (await salvage(git, checkout, snapshot, ref)) ? ref : null;
  }
  const what = nested.length === 0 ? "files that git cannot take in" : `repositories of its own (${nested.join(", ")})`;
  throw new MakimaError("conflict", `${checkout.dir} holds ${what}, so it is not deleted`, {
    hint: "Move them away or delete them, and try again.",
  });
}

/** The directory is gone, so that its files are nobody's here; what was committed in it need not be. */
async function keepHead(git: Git, checkout: Checkout, ref: string): Promise<string | null> {
  const head = (await repositoryIsThere(checkout)) ? await kindOf(checkout).headOfGone(git, checkout) : null;
  return head !== null && (await keepLoose(git, checkout, head, ref)) ? ref : null;
}

/** One rename takes the checkout out of sight, so nobody ever finds half of it; the same file system makes it atomic. */
async function discard(dir: string, { made, trash }: { made: Made; trash: string }): Promise<void> {
  await mkdir(dirname(trash), { recursive: true, mode: 0o700 });
  await deleteTrash(trash);
  // Keeping its work may have taken minutes, in which something else can have come to its place.
  if (!(await isPresent(dir, made))) return;
  // Moving a directory to another parent changes its `..`, which takes write permission on the directory itself.
  await chmod(dir, 0o700);
  await rename(dir, trash);
}

/** Files of another user, as containers leave them, are beyond makima: the person must learn where they are. */
async function deleteTrash(trash: string): Promise<void> {
  try {
    await removeTree(trash);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw new MakimaError("conflict", `What is left of it in ${trash} cannot be deleted: ${error.message}`, {
      hint: `Delete ${trash} by hand, and try again.`,
    });
  }
}
