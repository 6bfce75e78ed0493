import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MakimaError } from "../../core/errors.ts";
import { exists, isErrno } from "../../platform/files.ts";
import { isAncestor, NO_COMMIT, readHead, readRef } from "../../platform/git/refs.ts";
import { copyIndex } from "../../platform/git/work-tree.ts";
import { branchRef, CHECKOUT_MARKER, CHECKOUT_TIMEOUT_MS, repositoryAt } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import type { Kind } from "./kind.ts";
import { removeTree } from "./remove-tree.ts";
import { entryOf, forgetWorktree, removeEntryOf } from "./worktree-entry.ts";

/** A linked worktree: what is committed in it is in the repository at once. */
export const linkedWorktree: Kind = {
  async make(git, dir, record, topLevel) {
    // A branch's name is safe here: it was checked, and git looks for a branch before anything else.
    const at = { cwd: topLevel, gitDir: record.commonDir };
    const options = { timeoutMs: CHECKOUT_TIMEOUT_MS, variables: { [CHECKOUT_MARKER]: dir } };
    await git(at, ["worktree", "add", "--quiet", dir, record.branch], options);
    return entryOf(dir);
  },

  async clear(dir, { commonDir }) {
    await removeTree(dir);
    await forgetWorktree(commonDir, dir);
  },

  async forget(_git, dir, { made }) {
    if (made !== null) await removeEntryOf(dir, made.gitDir);
  },

  // Its git directory lies in the repository, which is the person's.
  withGit: (_git, _checkout, work) => work(),
  requireGit: async () => undefined,
  openUp: async () => undefined,
  publish: async () => null,

  /** All but what a detached HEAD is at is on some branch. */
  async bringLoose(git, checkout, { commit, ref }) {
    if (ref !== null || commit === NO_COMMIT) return [];
    const at = repositoryAt(checkout);
    const tip = await readRef(git, at, branchRef(checkout));
    return tip !== NO_COMMIT && (await isAncestor(git, at, commit, tip)) ? [] : [commit];
  },

  /** It lies in the repository. */
  async headOfGone(git, { gitDir, commonDir }) {
    return (await exists(join(gitDir, "HEAD"))) ? readHead(git, { cwd: commonDir, gitDir, commonDir }) : null;
  },

  /** In git's manner: the new index, which says what is committed now, is written as `index.lock` and renamed. */
  async installIndex(_git, checkout, indexFile) {
    const lock = join(checkout.gitDir, "index.lock");
    await takeLock(checkout, lock);
    await copyIndex(indexFile, lock);
    await rename(lock, join(checkout.gitDir, "index"));
  },
};

async function takeLock({ dir }: Checkout, lock: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_LOCK_ATTEMPTS; attempt += 1) {
    if (await lockIndex(lock)) return;
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
