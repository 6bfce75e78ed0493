import { sql } from "kysely";
import { HOUR, MINUTE } from "../../platform/config/units.ts";
import type { Db, Store, Write } from "../db/store.ts";
import { countMerged } from "../runs/stored.ts";

/** The run of those that ended before `cutoff` whose output is the oldest, unless its archive has to wait; null: none. */
export async function oldestOutput(db: Db, cutoff: number, now: number): Promise<string | null> {
  const run = await db
    .selectFrom("runs")
    .select("id")
    .where("dropped_at", "is", null)
    .where("ended_at", "<", cutoff)
    .where((eb) => eb.or([eb("archive_after", "is", null), eb("archive_after", "<=", now)]))
    .orderBy("ended_at")
    .limit(1)
    .executeTakeFirst();
  return run?.id ?? null;
}

/**
 * From here on nobody can read the run's output any more; removeDropped takes it away. The sizes of its streams stay: they
 * are what its daemon, should it come back, need not send again.
 */
export async function dropOutput(store: Store, runId: string): Promise<void> {
  await store.write(async ({ db, now }) => {
    await db.updateTable("runs").set({ dropped_at: now }).where("id", "=", runId).execute();
    await db.updateTable("streams").set({ merged: 0 }).where("run_id", "=", runId).execute();
  });
}

/** Pause before the archive command is run again for a run for which it has failed: doubles from the first on (ms). */
const FIRST_PAUSE = 30 * MINUTE;
const LONGEST_PAUSE = 24 * HOUR;

/** `now` is of the clock that oldestOutput is asked by. */
export async function postponeArchive(store: Store, runId: string, now: number): Promise<void> {
  await store.write(async ({ db }) => {
    const run = db.selectFrom("runs").select("archive_failures").where("id", "=", runId);
    const { archive_failures: failures } = await run.executeTakeFirstOrThrow();
    const pause = Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE);
    await db
      .updateTable("runs")
      .set({ archive_failures: failures + 1, archive_after: now + pause })
      .where("id", "=", runId)
      .execute();
  });
}

/** Chunks, and bytes of them, that are removed in one transaction: few, so that no writer waits for long. */
const REMOVED_CHUNKS = 500;
const REMOVED_BYTES = 16 * 1024 * 1024;

/** Removes some of the chunks that nobody can read any more; false when there are none. */
export async function removeDropped(store: Store): Promise<boolean> {
  const key = await store.db
    .selectFrom("streams")
    .innerJoin("runs", "runs.id", "streams.run_id")
    .select(["streams.run_id", "streams.stream"])
    .where((eb) => eb("streams.merged", "=", eb.lit(0)))
    .where("runs.dropped_at", "is not", null)
    .limit(1)
    .executeTakeFirst();
  if (key === undefined) return false;
  await store.write((tx) => removeChunks(tx, key));
  return true;
}

interface StreamKey {
  run_id: string;
  stream: string;
}

/** The first ones of a stream, so that what is left of it has no gap; when none is left, nothing is left to do for it. */
async function removeChunks(tx: Write, key: StreamKey): Promise<void> {
  const first = await tx.db
    .selectFrom("chunks")
    .select(["offset", "encoding", sql<number>`length(data)`.as("bytes")])
    .where("run_id", "=", key.run_id)
    .where("stream", "=", key.stream)
    .orderBy("offset")
    .limit(REMOVED_CHUNKS)
    .execute();
  const removed = beginning(first, REMOVED_BYTES);
  const last = removed.at(-1);
  if (last === undefined) {
    const stream = tx.db.updateTable("streams").set({ merged: 1 });
    await stream.where("run_id", "=", key.run_id).where("stream", "=", key.stream).execute();
    return;
  }
  await tx.db
    .deleteFrom("chunks")
    .where("run_id", "=", key.run_id)
    .where("stream", "=", key.stream)
    .where("offset", "<=", last.offset)
    .execute();
  const merged = removed.filter(({ encoding }) => encoding === "zstd");
  await countMerged(tx, -sum(merged));
}

interface Sized {
  bytes: number;
}

/** The first of the rows, of at most so many bytes together; at least one, where there are any. */
function beginning<R extends Sized>(rows: readonly R[], bytes: number): R[] {
  let room = bytes;
  const past = rows.findIndex((row) => (room -= row.bytes) < 0);
  return past === -1 ? [...rows] : rows.slice(0, Math.max(past, 1));
}

function sum(rows: readonly Sized[]): number {
  return rows.reduce((total, { bytes }) => total + bytes, 0);
}
