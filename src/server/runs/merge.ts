import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import type { Logger } from "../../platform/log.ts";
import type { Store } from "../db/store.ts";
import { ENDED_RUNS_TOPIC } from "../db/wakeups.ts";
import { Rerun } from "../rerun.ts";

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
  readonly #rerun: Rerun;
  readonly #listener: Disposable;
  #stopped = false;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#rerun = new Rerun(
      () => this.#mergeAll(),
      (error) => log.error({ err: error }, "could not merge the output of ended runs"),
    );
    this.#listener = store.wakeups.listen(ENDED_RUNS_TOPIC, () => this.#rerun.request());
    this.#rerun.request();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#listener[Symbol.dispose]();
    await this.#rerun[Symbol.asyncDispose]();
  }

  async #mergeAll(): Promise<void> {
    for (;;) {
      const stream = await nextUnmerged(this.#store);
      if (stream === undefined) return;
      while (await mergeStep(this.#store, stream)) if (this.#stopped) return;
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
    .where("streams.merged", "=", 0)
    .where("runs.ended_at", "is not", null)
    .limit(1)
    .executeTakeFirst();
}

/** Merges the first raw chunks of a stream; false when there are none, and the stream is marked as merged. */
async function mergeStep(store: Store, key: StreamKey): Promise<boolean> {
  const range = await rawRange(store, key);
  if (range === null) {
    await markMerged(store, key);
    return false;
  }
  const rows = await selectRaw(store, key, range).select("data").orderBy("offset").execute();
  const data = Buffer.concat(rows.map((row) => row.data));
  const merged = await compress(data);
  await store.write(async ({ db }) => {
    await db
      .deleteFrom("chunks")
      .where("run_id", "=", key.run_id)
      .where("stream", "=", key.stream)
      .where("offset", ">=", range.first)
      .where("offset", "<=", range.last)
      .execute();
    await db
      .insertInto("chunks")
      .values({ ...key, offset: range.first, size: data.length, encoding: "zstd", data: merged })
      .execute();
  });
  return true;
}

interface Range {
  /** Offsets of the first and the last chunk. */
  first: number;
  last: number;
}

async function rawRange({ db }: Store, key: StreamKey): Promise<Range | null> {
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

function selectRaw({ db }: Store, key: StreamKey, { first, last }: Range) {
  return db
    .selectFrom("chunks")
    .where("run_id", "=", key.run_id)
    .where("stream", "=", key.stream)
    .where("offset", ">=", first)
    .where("offset", "<=", last);
}

/** A byte that came late (see storeSize) sets the mark back, and the next ended run or start takes it up. */
async function markMerged(store: Store, key: StreamKey): Promise<void> {
  await store.write(({ db }) =>
    db
      .updateTable("streams")
      .set({ merged: 1 })
      .where("run_id", "=", key.run_id)
      .where("stream", "=", key.stream)
      .execute(),
  );
}
