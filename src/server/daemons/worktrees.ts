import type { Daemon } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { notifyWorktreesFull } from "../notifications/occasions.ts";
import { publishDaemon } from "./daemons.ts";
import type { Holder } from "./identity.ts";

/** How much a daemon's checkouts take together. */
export type WorktreesSize = NonNullable<Daemon["worktrees"]>;

/**
 * Writes down how much a daemon's checkouts take, where that is news. People are told when it passes the quota; and again
 * only after it has been well below. false, having changed nothing, where the connection does not hold the identity.
 */
export async function noteWorktrees(
  tx: Write,
  { daemonId, linkId }: Holder,
  { bytes, quota }: WorktreesSize,
): Promise<boolean> {
  const before = await tx.db
    .selectFrom("daemons")
    .select(["worktree_bytes", "worktree_quota", "worktrees_full"])
    .where("id", "=", daemonId)
    .where("link_id", "=", linkId)
    .executeTakeFirst();
  if (before === undefined) return false;
  if (before.worktree_bytes === bytes && before.worktree_quota === quota) return true;
  const wasFull = before.worktrees_full === 1;
  const full = quota !== null && bytes > (wasFull ? WELL_BELOW * quota : quota);
  await tx.db
    .updateTable("daemons")
    .set({ worktree_bytes: bytes, worktree_quota: quota, worktrees_full: full ? 1 : 0 })
    .where("id", "=", daemonId)
    .execute();
  await publishDaemon(tx, daemonId);
  if (full && !wasFull) await notifyWorktreesFull(tx, daemonId, { bytes, quota });
  return true;
}

/** Part of the quota below which it is not full any more: about the quota itself, every run would tell of it anew. */
const WELL_BELOW = 0.9;
