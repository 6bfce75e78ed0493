import type { Change } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC } from "../../protocol/topics.ts";
import { latestNumber, nextNumber } from "../db/counters.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";

/** Adds to the change feed, in the transaction that makes the change. */
export async function recordChange(tx: Write, kind: Change["kind"], id: string, data: Change["data"]): Promise<void> {
  const seq = await nextNumber(tx, "changes");
  await tx.db
    .insertInto("changes")
    .values({ seq, at: tx.now, kind, id, data: toJson(data) })
    .execute();
  tx.wake(CHANGES_TOPIC);
}

/** Cursor of the feed's present end: what is read from there on is newer. */
export async function changesCursor(db: Db): Promise<number> {
  return latestNumber(db, "changes");
}

/** The changes after a cursor, oldest first, at most `limit`. */
export async function readChanges(db: Db, cursor: number, limit: number): Promise<Change[]> {
  const rows = await db
    .selectFrom("changes")
    .selectAll()
    .where("seq", ">", cursor)
    .orderBy("seq")
    .limit(limit)
    .execute();
  return rows.map(({ data, ...row }) => ({ ...row, data: fromJson(data) }));
}
