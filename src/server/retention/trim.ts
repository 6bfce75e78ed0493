import { sql } from "kysely";
import { uuidv7 } from "../../core/ids.ts";
import { trimChanges } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";

/** Takes some of what is from before `cutoff` (epoch ms) away; true where there may be more. */
export type Trim = (tx: Write, cutoff: number) => Promise<boolean>;

/** All that goes by age besides the output of runs; each in transactions of its own. */
export const TRIMS: readonly Trim[] = [trimChanges, trimCommands, trimDeliveries, trimNotifications, trimOperations];

/** Rows of one transaction: few, so that no writer waits for long. */
const ROWS = 500;

/** Commands that are done, unless their run is live: whether it had a command may still be asked. */
async function trimCommands({ db }: Write, cutoff: number): Promise<boolean> {
  const done = await db
    .selectFrom("commands")
    .select("id")
    .where("id", "<", firstId(cutoff))
    .where("done_at", "<", cutoff)
    .where((eb) =>
      eb.or([
        eb("run_id", "is", null),
        eb("run_id", "not in", eb.selectFrom("runs").select("id").where("ended_at", "is", null)),
      ]),
    )
    .orderBy("id")
    .limit(ROWS)
    .execute();
  if (done.length > 0) await db.deleteFrom("commands").where("id", "in", idsOf(done)).execute();
  return done.length === ROWS;
}

/** Of the delivery log what is over. */
async function trimDeliveries({ db }: Write, cutoff: number): Promise<boolean> {
  const over = await db
    .selectFrom("deliveries")
    .select("id")
    .where("id", "<", firstId(cutoff))
    .where("status", "!=", "pending")
    .orderBy("id")
    .limit(ROWS)
    .execute();
  if (over.length > 0) await db.deleteFrom("deliveries").where("id", "in", idsOf(over)).execute();
  return over.length === ROWS;
}

/** Of dismissed notifications the texts; the rows are what keeps them from being made again. */
async function trimNotifications({ db }: Write, cutoff: number): Promise<boolean> {
  const dismissed = await db
    .selectFrom("notifications")
    .select("id")
    .where("id", "<", firstId(cutoff))
    .where("status", "=", sql.lit("dismissed"))
    .where("title", "<>", sql.lit(""))
    .orderBy("id")
    .limit(ROWS)
    .execute();
  if (dismissed.length > 0) {
    await db.updateTable("notifications").set({ title: "", body: "" }).where("id", "in", idsOf(dismissed)).execute();
  }
  return dismissed.length === ROWS;
}

async function trimOperations({ db }: Write, cutoff: number): Promise<boolean> {
  return deleteOperations(db, endedOperations(db, cutoff));
}

/**
 * The operations that only looked: what they have seen is of no use once whoever asked has read it, and may be as long as
 * a frame. They do not wait for the rules.
 */
export async function trimReadings({ db }: Write, cutoff: number): Promise<boolean> {
  return deleteOperations(db, endedOperations(db, cutoff).where(READINGS));
}

/** Word for word the condition of the index `operations_reading`. */
const READINGS = sql<boolean>`kind in ('GetDiff', 'ReadFile', 'ListBranches', 'ListWorktrees')`;

function endedOperations(db: Db, cutoff: number) {
  return db
    .selectFrom("operations")
    .select("id")
    .where("id", "<", firstId(cutoff))
    .where("ended_at", "<", cutoff)
    .orderBy("id")
    .limit(ROWS);
}

async function deleteOperations(db: Db, ended: ReturnType<typeof endedOperations>): Promise<boolean> {
  const over = await ended.execute();
  if (over.length > 0) await db.deleteFrom("operations").where("id", "in", idsOf(over)).execute();
  return over.length === ROWS;
}

/** Ids are UUIDv7: all that were made before that moment sort before this one. */
function firstId(at: number): string {
  return uuidv7(at, new Uint8Array(10));
}

function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}
