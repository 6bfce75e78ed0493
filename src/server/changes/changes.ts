import { MakimaError } from "../../core/errors.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC } from "../../protocol/topics.ts";
import { latestNumber, nextNumber } from "../db/counters.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";

export interface NewChange extends Pick<Change, "kind" | "id" | "data"> {
  /** The contract that it is about, which tells whose task's keys may see it; null: none. */
  contractId: string | null;
}

/** Adds to the change feed, in the transaction that makes the change. */
export async function recordChange(tx: Write, { kind, id, contractId, data }: NewChange): Promise<void> {
  const seq = await nextNumber(tx, "changes");
  await tx.db
    .insertInto("changes")
    .values({ seq, at: tx.now, kind, id, contract_id: contractId, data: toJson(data) })
    .execute();
  tx.wake(CHANGES_TOPIC);
}

/** Cursor of the feed's present end: what is read from there on is newer. */
export async function changesCursor(db: Db): Promise<number> {
  return latestNumber(db, "changes");
}

interface FeedRequest {
  /** Cursor: the number of a change, of whichever contract. */
  from: number;
  limit: number;
  /** Only the changes of that contract; null: all of them. */
  contractId: string | null;
}

interface FeedPage {
  changes: Change[];
  /** Where to go on. At the end of the feed also what is not the contract's lies behind it. */
  cursor: number;
  atEnd: boolean;
  /** The feed's end: everything up to there has been looked at when `atEnd`. */
  latest: number;
}

/** A page of the feed, and where it leads to. Throws what readChanges throws. */
export async function readFeed(db: Db, { from, limit, contractId }: FeedRequest): Promise<FeedPage> {
  // Before the changes: all that the contract has up to there is then among them, and nothing before it is looked at again.
  const end = await changesCursor(db);
  const changes = await readChanges(db, from, limit, contractId);
  const last = changes.at(-1)?.seq ?? from;
  const latest = Math.max(end, last);
  const atEnd = changes.length < limit;
  return { changes, cursor: atEnd ? latest : last, atEnd, latest };
}

/**
 * The changes after a cursor, oldest first, at most `limit`; with a contract only its own. Throws `gone` where the next
 * ones were trimmed, and `invalid_request` for a cursor beyond the present end.
 */
export async function readChanges(
  db: Db,
  cursor: number,
  limit: number,
  contractId: string | null = null,
): Promise<Change[]> {
  let query = db.selectFrom("changes").select(["seq", "at", "kind", "id", "data"]).where("seq", ">", cursor);
  if (contractId !== null) query = query.where("contract_id", "=", contractId);
  const rows = await query.orderBy("seq").limit(limit).execute();
  // One contract's numbers have gaps, and what was trimmed may have been its own. Looked up after its rows: what is still
  // there now was there when they were read.
  const next = contractId === null ? rows[0] : await nextChange(db, cursor);
  if (next === undefined) await refuseBeyondEnd(db, cursor);
  else if (next.seq > cursor + 1) throw trimmed(cursor, next.seq - 1);
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

/** Of whichever contract. */
async function nextChange(db: Db, cursor: number): Promise<{ seq: number } | undefined> {
  return db.selectFrom("changes").select("seq").where("seq", ">", cursor).orderBy("seq").limit(1).executeTakeFirst();
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
