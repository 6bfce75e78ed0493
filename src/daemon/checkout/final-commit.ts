import { MakimaError } from "../../core/errors.ts";
import { makeCommit, readIdentity, treeOf } from "../../platform/git/commit.ts";
import type { Git } from "../../platform/git/git.ts";
import { isAncestor, moveRef, NO_COMMIT, readHead, readRef } from "../../platform/git/refs.ts";
import type { Head } from "../../platform/git/refs.ts";
import { branchRef, locationOf, MAKIMA_IDENTITY, repositoryAt } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import type { Obstacle } from "./kind.ts";
import { kindOf } from "./kinds.ts";
import { withWorkTree } from "./private-index.ts";
import type { IndexedTree } from "./private-index.ts";
import { keep, salvageRef } from "./salvage.ts";

export interface FinalCommit {
  /** Tip of the task's branch in the repository afterwards. */
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
 * If it is not, nothing is forced together: the branch stays, and the work is kept under the salvage ref. The same holds
 * where the repository's branch has gone its own way since a clone was made; `conflict` is thrown where that branch cannot
 * be moved because a person has it checked out.
 *
 * Call it only when no process of the run is left.
 */
export async function finalCommit(
  git: Git,
  checkout: Checkout,
  { message }: { message: string },
): Promise<FinalCommit> {
  const kind = kindOf(checkout);
  const commitAll = async ({ tree, indexFile }: IndexedTree): Promise<FinalCommit> => {
    const head = await readHead(git, locationOf(checkout));
    const commit = await commitRest(git, checkout, { tree, head, message });
    const landed = await land(git, checkout, { head, work: commit ?? head.commit });
    // The private index says exactly what is committed now.
    if (landed.follows) await kind.installIndex(git, checkout, indexFile);
    return { commit, ...(await publish(git, checkout, landed)) };
  };
  await kind.openUp(checkout);
  return kind.withGit(git, checkout, () => withWorkTree(git, checkout, commitAll));
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

interface Landed {
  work: string;
  /** Tip of the task's branch in the checkout. */
  tip: string;
  strayed: string | null;
  /** Whether the branch has the work. */
  follows: boolean;
}

async function land(git: Git, checkout: Checkout, { head, work }: { head: Head; work: string }): Promise<Landed> {
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
  if (follows && strayed !== null) await git(at, ["symbolic-ref", "-m", "makima: end of the run", "HEAD", ref]);
  return { work, tip: target, strayed, follows };
}

/** What the checkout has, the repository gets: the branch where it can follow, and what cannot under the salvage ref. */
async function publish(
  git: Git,
  checkout: Checkout,
  { work, tip, strayed, follows }: Landed,
): Promise<Omit<FinalCommit, "commit">> {
  const repository = repositoryAt(checkout);
  const obstacle = await kindOf(checkout).publish(git, checkout, follows ? [] : [work]);
  if (obstacle?.kind === "checked-out") throw checkedOut(checkout, obstacle);
  const head = obstacle === null ? tip : await readRef(git, repository, branchRef(checkout));
  if (follows && obstacle === null) return { head, strayed, salvage: null };
  const salvage = salvageRef(checkout.taskId);
  if (obstacle !== null) await keep(git, repository, salvage, tip);
  if (!follows) await keep(git, repository, salvage, work);
  return { head, strayed, salvage };
}

function checkedOut({ branch }: Checkout, { at }: Extract<Obstacle, { kind: "checked-out" }>): MakimaError {
  return new MakimaError("conflict", `The branch ${branch} is checked out in ${at}, so it cannot be moved`, {
    hint: "Switch to another branch there, and go on with `makima resume`.",
  });
}
