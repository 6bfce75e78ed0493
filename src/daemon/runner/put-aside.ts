import { NO_COMMIT, readRef } from "../../platform/git/refs.ts";
import { branchRef, findCheckout, repositoryAt } from "../checkout/checkout.ts";
import { kindOf } from "../checkout/kinds.ts";
import { removeCheckout } from "../checkout/remove.ts";
import { keep, salvage, salvageRef } from "../checkout/salvage.ts";
import { snapshotTree } from "../checkout/snapshot.ts";
import type { RunContext } from "./context.ts";

/**
 * Puts the work of a fenced run aside when it has ended: what is on its branch and what is not committed is kept under a
 * ref of the run, and then the checkout goes. The branch stays. May be done again after a crash at any point.
 * Throws when something could not be kept; the checkout is then still there.
 */
export async function putAside({ spec, state, services: { git } }: RunContext): Promise<void> {
  if (state.checkout === null) return;
  const { worktree } = state.checkout;
  const ref = salvageRef(spec.taskId, spec.runId);
  const checkout = await findCheckout(worktree);
  const snapshot = checkout === null ? null : await snapshotTree(git, checkout);
  const head = snapshot?.head ?? NO_COMMIT;
  if (checkout !== null) await kindOf(checkout).publish(git, checkout, head === NO_COMMIT ? [] : [head]);
  const at = checkout === null ? { cwd: spec.repository } : repositoryAt(checkout);
  const tip = await readRef(git, at, branchRef(spec));
  if (tip !== NO_COMMIT) await keep(git, at, ref, tip);
  if (head !== NO_COMMIT) await keep(git, at, ref, head);
  if (checkout !== null && snapshot !== null) await salvage(git, checkout, snapshot, ref);
  // It looks again, and removes nothing that git could not take in.
  await removeCheckout(git, worktree, { deleteBranch: "keep", salvageTo: ref });
}
