import { stat } from "node:fs/promises";
import type { OperationResult, OrderOf, Salvaged, Worktree } from "../../protocol/operations.ts";
import { fitting } from "../operations/fitting.ts";
import type { WorktreesContext } from "./context.ts";
import { diskUsage } from "./disk-usage.ts";
import { knownCheckouts, lookAt, strangers } from "./inventory.ts";
import type { KnownCheckout } from "./inventory.ts";
import { salvagedWork } from "./salvaged.ts";

const LISTED = { max: 2_000, maxBytes: 512 * 1024 };

/** Lists what is in the directory of checkouts, the biggest first; or what was salvaged of removed ones, the newest first. */
export async function listWorktrees(
  context: WorktreesContext,
  { salvaged, wanted }: OrderOf<"ListWorktrees">,
  signal: AbortSignal,
): Promise<OperationResult<"ListWorktrees">> {
  const { root, sizes } = context;
  const known = await knownCheckouts(root);
  const worktrees = salvaged ? [] : await worktreesOf(context, known, new Set(wanted), signal);
  sizes.settle(known.map(({ dir }) => dir));
  const work: Salvaged[] = salvaged ? await salvagedWork(context) : [];
  const listed = { worktrees: fitting(worktrees, LISTED), salvaged: fitting(work, LISTED) };
  const truncated = listed.worktrees.length < worktrees.length || listed.salvaged.length < work.length;
  return { root, bytes: sizes.total, quota: sizes.quota, ...listed, truncated };
}

async function worktreesOf(
  context: WorktreesContext,
  known: readonly KnownCheckout[],
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Worktree[]> {
  const worktrees: Worktree[] = [];
  for (const checkout of known) worktrees.push(await describe(context, checkout, wanted, signal));
  for (const dir of await strangers(context.root, known)) worktrees.push(await describeStranger(dir, signal));
  return worktrees.toSorted((a, b) => b.bytes - a.bytes);
}

async function describe(
  { work, sizes, removals }: WorktreesContext,
  checkout: KnownCheckout,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Worktree> {
  const { dir, record } = checkout;
  const { taskId, commonDir: repository, branch, kind } = record;
  const inUse = work.isAtWork(taskId);
  // One that nobody works in is as big as it was.
  const { bytes, changedAt } = await (inUse ? sizes.measure(dir, signal) : sizes.of(dir, signal));
  const found = await lookAt(checkout);
  const resting = found.state === "whole" ? (wanted.has(taskId) ? "kept" : "unwanted") : "unfinished";
  const reason = found.state === "replaced" ? found.reason : removals.reason(dir);
  const state = inUse ? "in-use" : resting;
  return {
    dir,
    taskId,
    repository,
    branch,
    kind,
    state,
    reason,
    bytes,
    changedAt: changedAt || (await writtenAt(dir)),
  };
}

/** When the record of a checkout was written whose directory is gone. */
async function writtenAt(dir: string): Promise<number> {
  const stats = await stat(`${dir}.json`).catch(() => null);
  return Math.round(stats?.mtimeMs ?? 0);
}

async function describeStranger(dir: string, signal: AbortSignal): Promise<Worktree> {
  const unknown = { taskId: null, repository: null, branch: null, kind: "unknown", state: "unknown" } as const;
  return { dir, ...unknown, reason: null, ...(await diskUsage(dir, signal)) };
}
