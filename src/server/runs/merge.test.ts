import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Store } from "../db/store.ts";
import { silent, until } from "../testing/basics.ts";
import { finished, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { append, newRun, readAll, say } from "../testing/run.ts";
import { Merger } from "./merge.ts";
import { readStream } from "./streams.ts";

const OUT = "iterations/0001/out";

onEveryEngine(
  "the chunks of an ended run become few compressed ones, and every offset still reads the same",
  async (database) => {
    await using store = await database.open();
    const run = await newRun(store);
    const noise = randomBytes(1_300_000);
    const text = Buffer.from("the same line again and again\n".repeat(50_000));
    const transcript = Buffer.concat([noise, text]);
    for (let offset = 0; offset < transcript.length; offset += 50_000) {
      await append(store, run, [{ stream: OUT, offset, data: transcript.subarray(offset, offset + 50_000) }]);
    }
    await say(store, run, started, finished());
    await using _ = new Merger(store, silent);
    await until(async () => (await unmerged(store)) === 0);
    const chunks = await store.db
      .selectFrom("chunks")
      .select(["encoding", "size"])
      .where("stream", "=", OUT)
      .orderBy("offset")
      .execute();
    assert.deepEqual([...new Set(chunks.map(({ encoding }) => encoding))], ["zstd"]);
    assert.equal(chunks.length, 3);
    assert.deepEqual(await readAll(store, run.runId, OUT), transcript);
    for (const from of [0, 1, 999_999, 1_048_576, transcript.length - 1]) {
      const { data } = await readStream(store.db, run.runId, OUT, from);
      assert.deepEqual(Buffer.from(data), transcript.subarray(from, from + data.length));
    }
  },
);

onEveryEngine("a live run is left alone; the merge that a kill prevented is made up for", async (database) => {
  await using store = await database.open();
  const live = await newRun(store);
  await say(store, live, started);
  const ended = await newRun(store);
  await say(store, ended, started, finished());
  {
    await using _ = new Merger(store, silent);
    await until(async () => (await unmerged(store)) === 1);
  }
  await using _ = new Merger(store, silent);
  await say(store, live, finished());
  await until(async () => (await unmerged(store)) === 0);
});

onEveryEngine("a byte that comes after the merge is read like all others", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await append(store, run, [{ stream: OUT, offset: 0, data: Buffer.from("early ") }]);
  await say(store, run, started, finished());
  {
    await using _ = new Merger(store, silent);
    await until(async () => (await unmerged(store)) === 0);
  }
  await append(store, run, [{ stream: OUT, offset: 6, data: Buffer.from("late") }]);
  assert.equal(String(await readAll(store, run.runId, OUT)), "early late");
  await using _ = new Merger(store, silent);
  await until(async () => (await unmerged(store)) === 0);
  assert.equal(String(await readAll(store, run.runId, OUT)), "early late");
});

async function unmerged({ db }: Store): Promise<number> {
  return (await db.selectFrom("streams").select("stream").where("merged", "=", 0).execute()).length;
}
