import { makeCommit, treeOf } from "../../platform/git/commit.ts";
import type { Git } from "../../platform/git/git.ts";
import { isAncestor, NO_COMMIT, readRef, setRef } from "../../platform/git/refs.ts";
import { branchRef, locationOf, MAKIMA_IDENTITY } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import type { Snapshot } from "./snapshot.ts";

/** Keeps what only this checkout has, uncommitted files or commits on no branch; the ref, or null if there is nothing. */
export async function salvage(git: Git, checkout: Checkout, snapshot: Snapshot): Promise<string | null> {
  const at = locationOf(checkout);
  const { tree, head } = snapshot;
  if (head === NO_COMMIT || tree !== (await treeOf(git, at, head))) {
    const parents = head === NO_COMMIT ? [] : [head];
    const message = "What was not committed in the checkout\n";
    return keep(git, checkout, await makeCommit(git, at, { tree, parents, message, identity: MAKIMA_IDENTITY }));
  }
  if (snapshot.ref !== null) return null;
  const tip = await readRef(git, at, branchRef(checkout));
  return tip !== NO_COMMIT && (await isAncestor(git, at, head, tip)) ? null : keep(git, checkout, head);
}

/** Keeps a commit under the task's salvage ref, and returns the ref. What it kept before stays reachable from it. */
export async function keep(git: Git, checkout: Checkout, commit: string): Promise<string> {
  const at = locationOf(checkout);
  const ref = `refs/makima/salvage/${checkout.taskId}`;
  const before = await readRef(git, at, ref);
  if (before === NO_COMMIT || (await isAncestor(git, at, before, commit))) {
    await setRef(git, at, ref, commit);
  } else if (!(await isAncestor(git, at, commit, before))) {
    const tree = await treeOf(git, at, commit);
    const message = "Salvaged again\n";
    const joined = { tree, parents: [commit, before], message, identity: MAKIMA_IDENTITY };
    await setRef(git, at, ref, await makeCommit(git, at, joined));
  }
  return ref;
}
