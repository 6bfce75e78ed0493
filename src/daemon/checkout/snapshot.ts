import { both } from "../../platform/git/both.ts";
import { makeCommit } from "../../platform/git/commit.ts";
import type { Git } from "../../platform/git/git.ts";
import { NO_COMMIT, readHead, setRef } from "../../platform/git/refs.ts";
import { locationOf, MAKIMA_IDENTITY, repositoryAt } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { kindOf } from "./kinds.ts";
import { withWorkTree } from "./private-index.ts";

/** The state of a checkout at one moment. Two are the same state when `tree` and `head` are equal. */
export interface Snapshot {
  /** Id of the tree of everything: tracked, untracked, not ignored. */
  tree: string;
  /** The commit that HEAD is at, `NO_COMMIT` when there is none. */
  head: string;
  /** Full name of the branch that HEAD is on, null when it is detached. */
  ref: string | null;
  /** False when git could not take in everything, such as a nested repository without a commit. */
  complete: boolean;
}

/**
 * The checkout as it is now; the agent's index and HEAD are only read. This is in the way of every iteration: one git
 * process when nothing has changed since the last call, two when something has, and no file is hashed twice.
 */
export async function snapshotTree(git: Git, checkout: Checkout): Promise<Snapshot> {
  return kindOf(checkout).withGit(git, checkout, async () => {
    const [{ tree, complete }, head] = await both(
      withWorkTree(git, checkout, async (work) => work),
      readHead(git, locationOf(checkout)),
    );
    return { tree, complete, head: head.commit, ref: head.ref };
  });
}

export interface CheckpointContent {
  /** Number of the checkpoint within the task. */
  n: number;
  snapshot: Pick<Snapshot, "tree" | "head">;
  message: string;
}

/**
 * Keeps a snapshot as a commit on top of its HEAD under `refs/makima/checkpoints/<task>/<n>`, never on a branch. Reads
 * nothing of the checkout's files, so the agent may work on meanwhile. Made again, it replaces the one before. With it a
 * clone's branch comes into the repository; where that cannot follow now, the checkpoint has what HEAD was at.
 */
export async function checkpoint(
  git: Git,
  checkout: Checkout,
  { n, snapshot, message }: CheckpointContent,
): Promise<{ ref: string; commit: string }> {
  await kindOf(checkout).requireGit(checkout);
  const at = locationOf(checkout);
  const ref = `refs/makima/checkpoints/${checkout.taskId}/${n}`;
  const parents = snapshot.head === NO_COMMIT ? [] : [snapshot.head];
  const commit = await makeCommit(git, at, { tree: snapshot.tree, parents, message, identity: MAKIMA_IDENTITY });
  await kindOf(checkout).publish(git, checkout, [commit]);
  await setRef(git, repositoryAt(checkout), ref, commit);
  return { ref, commit };
}
