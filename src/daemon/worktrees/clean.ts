import type { OperationResult, OrderOf } from "../../protocol/operations.ts";
import { fitting } from "../operations/fitting.ts";
import type { WorktreesContext } from "./context.ts";
import { knownCheckouts, lookAt, strangers } from "./inventory.ts";
import type { KnownCheckout } from "./inventory.ts";
import { AT_WORK } from "./removals.ts";
import type { Removal } from "./removals.ts";

const LISTED = { max: 1_000, maxBytes: 384 * 1024 };

const STRANGE = "makima did not make it";

/**
 * Removes the checkouts of `tasks`, or all but those of `wanted` that are whole, or says with `dryRun` which would be.
 * What a run is at work in, and what cannot be salvaged, stays. Carried out again, it tells of what was still to be removed.
 */
export async function cleanWorktrees(
  context: WorktreesContext,
  { tasks, wanted, dryRun }: OrderOf<"CleanWorktrees">,
  signal: AbortSignal,
): Promise<OperationResult<"CleanWorktrees">> {
  const { root, removals, sizes } = context;
  const known = await knownCheckouts(root);
  const [named, spared] = [new Set(tasks), new Set(wanted)];
  // A task of which only half a checkout is left gets another one anyhow.
  const isSpared = async (checkout: KnownCheckout) =>
    spared.has(checkout.record.taskId) && (await lookAt(checkout)).state === "whole";
  const removed: OperationResult<"CleanWorktrees">["removed"] = [];
  const kept: OperationResult<"CleanWorktrees">["kept"] = [];
  for (const checkout of known) {
    const { dir, record } = checkout;
    const { taskId } = record;
    if (tasks === null ? await isSpared(checkout) : !named.has(taskId)) continue;
    signal.throwIfAborted();
    const { bytes } = await sizes.of(dir, signal);
    const removal = await (dryRun ? foresee(context, checkout) : removals.remove(checkout));
    if (removal.outcome === "removed") removed.push({ dir, taskId, bytes, salvage: removal.salvage });
    if (removal.outcome === "kept") kept.push({ dir, taskId, reason: removal.reason });
  }
  if (tasks === null) {
    for (const dir of await strangers(root, known)) kept.push({ dir, taskId: null, reason: STRANGE });
  }
  sizes.settle((await knownCheckouts(root)).map(({ dir }) => dir));
  const listed = { removed: fitting(removed, LISTED), kept: fitting(kept, LISTED) };
  const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
  return { ...listed, bytes, truncated: listed.removed.length < removed.length || listed.kept.length < kept.length };
}

/** What only git can say, such as that there is a repository inside, is not foreseen. */
async function foresee({ work }: WorktreesContext, checkout: KnownCheckout): Promise<Removal> {
  if (work.isAtWork(checkout.record.taskId)) return { outcome: "kept", reason: AT_WORK };
  const found = await lookAt(checkout);
  return found.state === "replaced" ? { outcome: "kept", reason: found.reason } : { outcome: "removed", salvage: null };
}
