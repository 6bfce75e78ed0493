import { MakimaError } from "../../core/errors.ts";
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

/**
 * The changes after a cursor, oldest first, at most `limit`. Throws `gone` where the next ones were trimmed, and
 * `invalid_request` for a cursor beyond the present end.
 */
export async function readChanges(db: Db, cursor: number, limit: number): Promise<Change[]> {
  const rows = await db
    .selectFrom("changes")
    .selectAll()
    .where("seq", ">", cursor)
    .orderBy("seq")
    .limit(limit)
    .execute();
  const [first] = rows;
  if (first === undefined) await refuseBeyondEnd(db, cursor);
  else if (first.seq > cursor + 1) throw trimmed(cursor, first.seq - 1);
  return rows.map(({ data, ...row }) => ({ ...row, data: fromJson(data) }));
}

/** Changes deleted in one transaction: few, so that no writer waits for long. */
const TRIMMED_CHANGES = 500;

/**
 * Deletes the oldest of the changes from before `cutoff` (epoch ms), and says whether there may be more. The newest change
 * always stays: it tells a cursor at the end from one into what was trimmed.
 */
export async function trimChanges({ db }: Write, cutoff: number): Promise<boolean> {
  const latest = await changesCursor(db);
  const oldest = await db.selectFrom("changes").select(["seq", "at"]).orderBy("seq").limit(TRIMMED_CHANGES).execute();
  const kept = oldest.findIndex(({ seq, at }) => at >= cutoff || seq === latest);
  const last = (kept === -1 ? oldest : oldest.slice(0, kept)).at(-1);
  if (last === undefined) return false;
  await db.deleteFrom("changes").where("seq", "<=", last.seq).execute();
  return kept === -1;
}

async function refuseBeyondEnd(db: Db, cursor: number): Promise<void> {
  const end = await changesCursor(db);
  if (cursor > end) throw new MakimaError("invalid_request", `The change feed ends at ${end}, before ${cursor}`);
}

function trimmed(cursor: number, first: number): MakimaError {
  return new MakimaError("gone", `The changes right after ${cursor} were dropped: the first cursor is ${first} now`, {
    hint: "Read the present state of everything, and follow the changes from its cursor.",
  });
}
