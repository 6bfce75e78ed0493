import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import type { Logger } from "../../platform/log.ts";
import type { Db, Store } from "../db/store.ts";
import { ENDED_RUNS_TOPIC, MERGED_TOPIC } from "../db/wakeups.ts";
import { Duty } from "../duty.ts";
import { Rerun } from "../rerun.ts";
import { isUnavailable } from "../unavailable.ts";
import { countMerged } from "./stored.ts";

/** Uncompressed size of a merged chunk: large enough to compress well, small enough to be decoded for one read. */
const MERGED_BYTES = 1024 * 1024;

/** Rows looked at for one merged chunk. */
const MERGED_ROWS = 4096;

const compress = promisify(zstdCompress);

/**
 * Turns the many small chunks of ended runs into few large compressed ones, in the background and one at a time. Each
 * step is a transaction, and what is left to do is read from the tables, so a kill at any point costs nothing.
 */
export class Merger implements AsyncDisposable {
  readonly #store: Store;
  readonly #duty: Duty;
  readonly #rerun: Rerun;
  readonly #listener: Disposable;
  #stopped = false;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#duty = new Duty(store, "merge");
    this.#rerun = new Rerun(
      () => this.#mergeAll(),
      // When the database is back, everybody is woken.
      (error) => isUnavailable(error) || log.error({ err: error }, "could not merge the output of ended runs"),
    );
    this.#listener = store.wakeups.listen(ENDED_RUNS_TOPIC, () => this.#rerun.request());
    this.#rerun.request();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#listener[Symbol.dispose]();
    await this.#rerun[Symbol.asyncDispose]();
    await this.#duty[Symbol.asyncDispose]();
  }

  async #mergeAll(): Promise<void> {
    while (!this.#stopped && (await this.#duty.isMine())) {
      const stream = await nextUnmerged(this.#store);
      if (stream === undefined) return;
      await mergeStep(this.#store, stream);
    }
  }
}

interface StreamKey {
  run_id: string;
  stream: string;
}

async function nextUnmerged({ db }: Store): Promise<StreamKey | undefined> {
  return db
    .selectFrom("streams")
    .innerJoin("runs", "runs.id", "streams.run_id")
    .select(["streams.run_id", "streams.stream"])
    .where((eb) => eb("streams.merged", "=", eb.lit(0)))
    .where("runs.ended_at", "is not", null)
    .where("runs.dropped_at", "is", null)
    .limit(1)
    .executeTakeFirst();
}

/** Merges the first raw chunks of a stream; where there are none, the stream is marked as merged. */
async function mergeStep(store: Store, key: StreamKey): Promise<void> {
  const range = await rawRange(store.db, key);
  if (range === null) return markMerged(store, key);
  const rows = await selectRaw(store.db, key, range).select("data").orderBy("offset").execute();
  const data = Buffer.concat(rows.map((row) => row.data));
  const merged = await compress(data);
  await store.write(async (tx) => {
    // Meanwhile they may have been dropped, or another server may have merged them: then nothing is done here. Raw chunks
    // never change or come back, so as many as before are the same as before.
    const still = await selectRaw(tx.db, key, range).select("offset").execute();
    if (still.length !== rows.length) return;
    await tx.db
      .deleteFrom("chunks")
      .where("run_id", "=", key.run_id)
      .where("stream", "=", key.stream)
      .where("offset", ">=", range.first)
      .where("offset", "<=", range.last)
      .execute();
    await tx.db
      .insertInto("chunks")
      .values({ ...key, offset: range.first, size: data.length, encoding: "zstd", data: merged })
      .execute();
    await countMerged(tx, merged.length);
  });
}

interface Range {
  /** Offsets of the first and the last chunk. */
  first: number;
  last: number;
}

async function rawRange(db: Db, key: StreamKey): Promise<Range | null> {
  const rows = await db
    .selectFrom("chunks")
    .select(["offset", "size"])
    .where("run_id", "=", key.run_id)
    .where("stream", "=", key.stream)
    .where("encoding", "=", "raw")
    .orderBy("offset")
    .limit(MERGED_ROWS)
    .execute();
  const [first] = rows;
  if (first === undefined) return null;
  const fitting = rows.filter(({ offset, size }) => offset + size - first.offset <= MERGED_BYTES);
  return { first: first.offset, last: fitting.at(-1)?.offset ?? first.offset };
}

function selectRaw(db: Db, key: StreamKey, { first, last }: Range) {
  return db
    .selectFrom("chunks")
    .where("run_id", "=", key.run_id)
    .where("stream", "=", key.stream)
    .where("encoding", "=", "raw")
    .where("offset", ">=", first)
    .where("offset", "<=", last);
}

/**
 * Unless there is something left to do: a byte that came late (see storeAppended), or the drop of the run's output, has
 * set the mark back meanwhile.
 */
async function markMerged(store: Store, key: StreamKey): Promise<void> {
  await store.write(async (tx) => {
    if ((await rawRange(tx.db, key)) !== null) return;
    await tx.db
      .updateTable("streams")
      .set({ merged: 1 })
      .where("run_id", "=", key.run_id)
      .where("stream", "=", key.stream)
      .where("run_id", "in", (eb) => eb.selectFrom("runs").select("id").where("dropped_at", "is", null))
      .execute();
    tx.wake(MERGED_TOPIC);
  });
}
