import { NO_COMMIT, readRef } from "../../platform/git/refs.ts";
import { branchRef, findCheckout, locationOf } from "../checkout/checkout.ts";
import { removeCheckout } from "../checkout/remove.ts";
import { keep, salvage, salvageRef } from "../checkout/salvage.ts";
import { snapshotTree } from "../checkout/snapshot.ts";
import type { RunContext } from "./context.ts";

/**
 * Puts the work of a fenced run aside when it has ended: what is on its branch and what is not committed is kept under a
 * ref of the run, and then the checkout goes. The branch stays as it is. May be done again after a crash at any point.
 * Throws when something could not be kept; the checkout is then still there.
 */
export async function putAside({ spec, state, services: { git } }: RunContext): Promise<void> {
  if (state.checkout === null) return;
  const { worktree } = state.checkout;
  const ref = salvageRef(spec.taskId, spec.runId);
  const checkout = await findCheckout(worktree);
  const at = checkout === null ? { cwd: spec.repository } : locationOf(checkout);
  const tip = await readRef(git, at, branchRef(spec));
  if (tip !== NO_COMMIT) await keep(git, at, ref, tip);
  if (checkout !== null) {
    const snapshot = await snapshotTree(git, checkout);
    if (snapshot.head !== NO_COMMIT) await keep(git, at, ref, snapshot.head);
    await salvage(git, checkout, snapshot, ref);
  }
  // It looks again, and removes nothing that git could not take in.
  await removeCheckout(git, worktree, { deleteBranch: "keep", salvageTo: ref });
}
