import fc from "fast-check";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { MakimaError } from "../../core/errors.ts";
import type { Store } from "../db/store.ts";
import { dropOutput, removeDropped } from "../retention/drop.ts";
import { silent, until } from "../testing/basics.ts";
import { finished, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { append, newRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { Merger } from "./merge.ts";
import { listStreams, readStream } from "./streams.ts";

const OUT = "iterations/0001/out";

/** Half of it does not compress; more than a merged chunk, a frame and one read can hold. */
const TRANSCRIPT = Buffer.concat([randomBytes(1_500_000), Buffer.alloc(2_500_000, "the same line again\n")]);

/** Bytes from `from` on, or the code of the error. */
async function read(store: Store, runId: string, from: number): Promise<Buffer | string> {
  try {
    return Buffer.from((await readStream(store.db, runId, OUT, from)).data);
  } catch (error) {
    if (error instanceof MakimaError) return error.code;
    throw error;
  }
}

const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ append: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(333_333)) }) },
  { weight: 4, arbitrary: fc.record({ read: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.constant("merge" as const) },
  { weight: 1, arbitrary: fc.constant("end" as const) },
  { weight: 1, arbitrary: fc.constant("remove" as const) },
);

/** A stream and what is to be expected of it. */
class Model {
  readonly #store: Store;
  readonly #run: TestRun;
  #size = 0;
  ended = false;
  dropped = false;

  constructor(store: Store, run: TestRun) {
    this.#store = store;
    this.#run = run;
  }

  async append(length: number): Promise<void> {
    const data = TRANSCRIPT.subarray(this.#size, this.#size + length);
    const [receipt] = await append(this.#store, this.#run, [{ stream: OUT, offset: this.#size, data }]);
    this.#size += data.length;
    assert.deepEqual(receipt, { kind: "ack", run: this.#run.runId, stream: OUT, offset: this.#size });
  }

  async end(): Promise<void> {
    if (this.ended) return;
    await say(this.#store, this.#run, started, finished());
    this.ended = true;
  }

  async drop(): Promise<void> {
    await dropOutput(this.#store, this.#run.runId);
    this.dropped = true;
  }

  async check(part: number): Promise<void> {
    const from = Math.round(part * this.#size);
    const got = await read(this.#store, this.#run.runId, from);
    // Never the bytes themselves: a message that shows the difference to megabytes takes gigabytes.
    if (this.dropped) return assert.equal(typeof got === "string" ? got : "bytes", "gone");
    assert.ok(typeof got !== "string", `${String(got)} at ${from} of ${this.#size}`);
    assert.ok(got.equals(TRANSCRIPT.subarray(from, Math.min(from + got.length, this.#size))), `wrong bytes at ${from}`);
    assert.equal(got.length === 0, from === this.#size);
    const beyond = await read(this.#store, this.#run.runId, this.#size + 1);
    assert.equal(typeof beyond === "string" ? beyond : "bytes", "invalid_request");
  }
}

onEveryEngine(
  "whatever is appended, merged and dropped: a read gives the same bytes, or says that they are gone",
  async (database) => {
    await using store = await database.open();
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 20 }), fc.boolean(), async (steps, dropsAtEnd) => {
        const model = new Model(store, await newRun(store));
        for (const step of steps) {
          if (step === "end") await model.end();
          else if (step === "merge") await mergeALittle(store);
          else if (step === "remove") await removeDropped(store);
          else if ("append" in step) await model.append(step.append);
          else await model.check(step.read);
        }
        await model.end();
        await mergeALittle(store);
        if (dropsAtEnd) await model.drop();
        for (const part of [0, 0.3, 0.9, 1]) await model.check(part);
        // Its daemon was away: the byte is taken, and nobody sees it.
        await model.append(1);
        while (await removeDropped(store));
        await model.check(0.5);
      }),
      { numRuns: 20 },
    );
    const left = store.db.selectFrom("chunks").innerJoin("runs", "runs.id", "chunks.run_id");
    assert.deepEqual(await left.select("stream").where("runs.dropped_at", "is not", null).execute(), []);
  },
);

/** A merger that is stopped as soon as it has begun: it has done one step at most. */
async function mergeALittle(store: Store): Promise<void> {
  await new Merger(store, silent)[Symbol.asyncDispose]();
}

onEveryEngine("readers beside a merger and a drop get the right bytes until they are told", async (database) => {
  await using store = await database.open();
  const model = new Model(store, await newRun(store));
  for (let count = 0; count < 300; count += 1) await model.append(10_000);
  await model.end();
  const told = new AbortController();
  const readers = [0, 0.2, 0.5, 0.8].map(async (part) => {
    while (!told.signal.aborted) {
      await model.check(part).catch((error: unknown) => assert.ok(model.dropped, String(error)));
      // SQLite answers at once: without this nobody else would get a turn.
      await setImmediate();
    }
  });
  {
    await using _ = new Merger(store, silent);
    await until(async () => (await mergedStreams(store)) === 2);
  }
  // The model cannot know in which moment a read that is under way sees it.
  model.dropped = true;
  await model.drop();
  while (await removeDropped(store));
  told.abort();
  await Promise.all(readers);
  await model.check(0.5);
});

async function mergedStreams({ db }: Store): Promise<number> {
  return (await db.selectFrom("streams").select("stream").where("merged", "=", 1).execute()).length;
}

onEveryEngine("the streams of a run are listed with their sizes until they are dropped", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  assert.deepEqual(await listStreams(store.db, run.runId), []);
  await append(store, run, [{ stream: OUT, offset: 0, data: Buffer.from("seven b") }]);
  assert.deepEqual(await listStreams(store.db, run.runId), [{ stream: OUT, size: 7 }]);
  await say(store, run, started, finished());
  await dropOutput(store, run.runId);
  await assert.rejects(listStreams(store.db, run.runId), { code: "gone" });
  await assert.rejects(listStreams(store.db, "nobody"), { code: "not_found" });
});
