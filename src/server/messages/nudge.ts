import { sql } from "kysely";
import { TOLD } from "../../core/supervision.ts";
import type { Db, Write } from "../db/store.ts";
import { NOT_COMPLETED, WITH_RUN } from "../tasks/rows.ts";
import { countUnheard, sendMessage } from "./messages.ts";

/**
 * Nudges an idle supervisor of the contract where nothing is left that could wake it: it would sleep for ever. To be
 * called when it goes to sleep, and after whatever it may have waited for has ended without a message to it.
 */
export async function nudgeIdle(tx: Write, contractId: string): Promise<void> {
  for (const id of await idleSupervisors(tx.db, contractId)) {
    if ((await countUnheard(tx.db, id)) > 0 || (await isUnderWay(tx.db, contractId))) continue;
    await sendMessage(tx, id, "nudge", TOLD.nothingLeft());
  }
}

/** None while the contract is paused: they go on when that is over. */
async function idleSupervisors(db: Db, contractId: string): Promise<string[]> {
  const { status } = await db
    .selectFrom("contracts")
    .select("status")
    .where("id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (status !== "active") return [];
  const rows = await db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", contractId)
    .where(NOT_COMPLETED)
    .where("idle", "=", 1)
    .execute();
  return rows.map(({ id }) => id);
}

/** Whether something goes on in the contract whose end its supervisor hears of. */
async function isUnderWay(db: Db, contractId: string): Promise<boolean> {
  return (await isWorked(db, contractId)) || (await isAsked(db, contractId)) || (await isMerged(db, contractId));
}

/** A pending task that waits for others counts with them: where none of those is at work, it never starts. */
async function isWorked(db: Db, contractId: string): Promise<boolean> {
  const row = await db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", contractId)
    .where(NOT_COMPLETED)
    .where("role", "=", "worker")
    .where((eb) => eb.or([eb("status", "in", WITH_RUN), eb.and([eb("status", "=", "pending"), eb("blocked", "=", 0)])]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function isAsked(db: Db, contractId: string): Promise<boolean> {
  const row = await db
    .selectFrom("questions")
    .select("id")
    .where("contract_id", "=", contractId)
    // Written out, not as a parameter, so that the index of the open ones can be used.
    .where("status", "=", sql.lit("open"))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Merges and pull requests are in their contract's queue. */
async function isMerged(db: Db, contractId: string): Promise<boolean> {
  const row = await db
    .selectFrom("operations")
    .select("id")
    .where("queue", "=", contractId)
    .where("ended_at", "is", null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
