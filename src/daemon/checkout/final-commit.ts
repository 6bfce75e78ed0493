import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import { makeCommit, readIdentity, treeOf } from "../../platform/git/commit.ts";
import type { Git } from "../../platform/git/git.ts";
import { isAncestor, moveRef, NO_COMMIT, readHead, readRef } from "../../platform/git/refs.ts";
import type { Head } from "../../platform/git/refs.ts";
import { copyIndex } from "../../platform/git/work-tree.ts";
import { branchRef, locationOf, MAKIMA_IDENTITY } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { withWorkTree } from "./private-index.ts";
import { keep, salvageRef } from "./salvage.ts";

export interface FinalCommit {
  /** Tip of the task's branch afterwards. */
  head: string;
  /** The commit made of what was left uncommitted, null when there was nothing. */
  commit: string | null;
  /** Where HEAD was instead of on the task's branch: full name of a branch, or "detached". */
  strayed: string | null;
  /** The ref that keeps the work which does not follow from the task's branch. */
  salvage: string | null;
}

/**
 * Makes one commit of what the agent left uncommitted, by the person's identity, and puts it on the task's branch; then
 * the checkout is clean. Done again, it finds nothing to commit.
 *
 * Where the agent left HEAD elsewhere, its work goes onto the task's branch if that is a fast-forward, and HEAD follows.
 * If it is not, nothing is forced together: the branch stays, and the work is kept under the salvage ref.
 *
 * Call it only when no process of the run is left.
 */
export async function finalCommit(
  git: Git,
  checkout: Checkout,
  { message }: { message: string },
): Promise<FinalCommit> {
  return withWorkTree(git, checkout, async ({ tree, indexFile }) => {
    const head = await readHead(git, locationOf(checkout));
    const commit = await commitRest(git, checkout, { tree, head, message });
    const landed = await land(git, checkout, { head, work: commit ?? head.commit });
    // The private index says exactly what is committed now.
    if (landed.salvage === null) await installIndex(checkout, indexFile);
    return { commit, ...landed };
  });
}

async function commitRest(
  git: Git,
  checkout: Checkout,
  { tree, head, message }: { tree: string; head: Head; message: string },
): Promise<string | null> {
  const at = locationOf(checkout);
  if (head.commit !== NO_COMMIT && tree === (await treeOf(git, at, head.commit))) return null;
  const identity = (await readIdentity(git, at)) ?? MAKIMA_IDENTITY;
  // HEAD without a commit: its branch was deleted, or is one without history. The base is what the work came from.
  const parent = head.commit === NO_COMMIT ? checkout.baseCommit : head.commit;
  return makeCommit(git, at, { tree, parents: [parent], message, identity });
}

async function land(
  git: Git,
  checkout: Checkout,
  { head, work }: { head: Head; work: string },
): Promise<Omit<FinalCommit, "commit">> {
  const at = locationOf(checkout);
  const ref = branchRef(checkout);
  const strayed = head.ref === ref ? null : (head.ref ?? "detached");
  const tip = await readRef(git, at, ref);
  // A branch that the agent deleted is made again, so that there is one to report.
  const start = tip === NO_COMMIT ? checkout.baseCommit : tip;
  const follows = work === start || (await isAncestor(git, at, start, work));
  const target = follows ? work : start;
  if (target !== tip && !(await moveRef(git, at, { ref, to: target, from: tip, message: "makima: end of the run" }))) {
    throw new MakimaError("conflict", `The branch ${checkout.branch} was moved while makima committed to it`);
  }
  if (!follows) {
    const salvage = salvageRef(checkout.taskId);
    await keep(git, at, salvage, work);
    return { head: target, strayed, salvage };
  }
  if (strayed !== null) await git(at, ["symbolic-ref", "-m", "makima: end of the run", "HEAD", ref]);
  return { head: target, strayed, salvage: null };
}

/** Replaces the checkout's own index in git's manner: the new one is written as `index.lock` and renamed. */
async function installIndex({ gitDir, dir }: Checkout, indexFile: string): Promise<void> {
  const lock = join(gitDir, "index.lock");
  for (let attempt = 0; attempt < MAX_LOCK_ATTEMPTS; attempt += 1) {
    if (await lockIndex(lock)) {
      await copyIndex(indexFile, lock);
      await rename(lock, join(gitDir, "index"));
      return;
    }
    await clearStaleLock(lock);
  }
  throw new MakimaError("conflict", `Another program keeps working in ${dir}`, { hint: "Close it, and try again." });
}

async function lockIndex(lock: string): Promise<boolean> {
  try {
    await using _file = await open(lock, "wx");
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * The processes of the run have ended, so a lock is one that a killed git left, or that of a person's git at this moment.
 * The latter is gone within the time that is given to it here.
 */
async function clearStaleLock(lock: string): Promise<void> {
  const found = await mtimeOf(lock);
  if (found === null) return;
  const left = LOCK_GRACE_MS - (Date.now() - found);
  if (left > 0) await delay(Math.min(left, LOCK_GRACE_MS));
  if ((await mtimeOf(lock)) === found) await rm(lock, { force: true });
}

async function mtimeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

const LOCK_GRACE_MS = 1_000;
const MAX_LOCK_ATTEMPTS = 5;
