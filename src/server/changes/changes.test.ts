import fc from "fast-check";
import assert from "node:assert/strict";
import { MakimaError } from "../../core/errors.ts";
import type { Store } from "../db/store.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { changesCursor, readChanges, readFeed, recordChange, trimChanges } from "./changes.ts";

/** Appends changes. */
async function record(store: Store, count: number, contractId: string | null = null): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await store.write((tx) => recordChange(tx, { kind: "task", id: "t", contractId, data: { index } }));
  }
}

const trimAll = (store: Store) => store.write((tx) => trimChanges(tx, Number.MAX_SAFE_INTEGER));

async function read(store: Store, cursor: number, limit = 100): Promise<number[] | string> {
  try {
    return (await readChanges(store.db, cursor, limit)).map(({ seq }) => seq);
  } catch (error) {
    const { code, message } = error as MakimaError;
    return `${code}: ${message}`;
  }
}

onEveryEngine("a cursor is good from the first change that is kept to the end of the feed", async (database) => {
  await using store = await database.open();
  assert.deepEqual(await read(store, 0), []);
  assert.equal(await read(store, 1), "invalid_request: The change feed ends at 0, before 1");
  await record(store, 5);
  assert.deepEqual(await read(store, 0, 3), [1, 2, 3]);
  assert.deepEqual(await read(store, 3), [4, 5]);
  assert.deepEqual(await read(store, 5), []);
  const beyond = Number.MAX_SAFE_INTEGER;
  assert.equal(await read(store, beyond), `invalid_request: The change feed ends at 5, before ${beyond}`);
});

onEveryEngine("the feed is trimmed by age up to its newest change, and then says where it begins", async (database) => {
  await using store = await database.open();
  await record(store, 3);
  const trim = (cutoff: number) => store.write((tx) => trimChanges(tx, cutoff));
  assert.equal(await trim(0), false);
  assert.deepEqual(await read(store, 0), [1, 2, 3]);
  await trimAll(store);
  assert.equal(await read(store, 1), "gone: The changes right after 1 were dropped: the first cursor is 2 now");
  assert.deepEqual(await read(store, 2), [3]);
  await record(store, 1);
  assert.deepEqual(await read(store, 2), [3, 4]);
  assert.deepEqual(await read(store, 4), []);
});

async function readOwn(store: Store, from: number, limit = 100) {
  const { changes, ...position } = await readFeed(store.db, { from, limit, contractId: "own" });
  return { seqs: changes.map(({ seq }) => seq), ...position };
}

onEveryEngine(
  "of one contract's changes a page leads to the feed's end, past all that is not its own",
  async (database) => {
    await using store = await database.open();
    assert.deepEqual(await readOwn(store, 0), { seqs: [], cursor: 0, atEnd: true, latest: 0 });
    for (const contractId of [null, "own", "other", "own", "own", "other", null]) await record(store, 1, contractId);
    assert.deepEqual(await readOwn(store, 0, 2), { seqs: [2, 4], cursor: 4, atEnd: false, latest: 7 });
    assert.deepEqual(await readOwn(store, 4, 2), { seqs: [5], cursor: 7, atEnd: true, latest: 7 });
    assert.deepEqual(await readOwn(store, 7), { seqs: [], cursor: 7, atEnd: true, latest: 7 });
    await assert.rejects(readOwn(store, 8), { code: "invalid_request" });
    const [first] = await readChanges(store.db, 1, 1, "own");
    assert.deepEqual(Object.keys(first ?? {}).toSorted(), ["at", "data", "id", "kind", "seq"]);
    const whole = await readFeed(store.db, { from: 5, limit: 2, contractId: null });
    assert.deepEqual([whole.changes.length, whole.cursor, whole.atEnd, whole.latest], [2, 7, false, 7]);
  },
);

onEveryEngine("what was trimmed may have been the contract's own, whatever is left of it", async (database) => {
  await using store = await database.open();
  await record(store, 3, "own");
  await record(store, 2, "other");
  await trimAll(store);
  await assert.rejects(readOwn(store, 3), { code: "gone", message: /the first cursor is 4 now/ });
  assert.deepEqual(await readOwn(store, 4), { seqs: [], cursor: 5, atEnd: true, latest: 5 });
  await record(store, 1, "own");
  await assert.rejects(readOwn(store, 0), { code: "gone" });
  assert.deepEqual(await readOwn(store, 5), { seqs: [6], cursor: 6, atEnd: true, latest: 6 });
});

/** What happens to the feed while two readers follow one contract's changes: one looks at once, the other now and then. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("own", "other", null) },
  { weight: 2, arbitrary: fc.constant("read" as const) },
  { weight: 1, arbitrary: fc.constant("trim" as const) },
);

onEveryEngine("a reader sees each of its contract's changes once, or is told that some are gone", async (database) => {
  await using store = await database.open();
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), async (all, limit) => {
      const start = await changesCursor(store.db);
      const prompt = new Follower(store, start, limit);
      const lazy = new Follower(store, start, limit);
      const recorded: number[] = [];
      for (const step of all) {
        if (step === "trim") await trimAll(store);
        else if (step === "read") await lazy.catchUp();
        else await record(store, 1, step);
        if (step === "own") recorded.push(await changesCursor(store.db));
        await prompt.catchUp();
      }
      await lazy.catchUp();
      assert.deepEqual([prompt.seen, prompt.lost], [recorded, false]);
      if (!lazy.lost) assert.deepEqual(lazy.seen, recorded);
      assert.deepEqual(lazy.seen, recorded.slice(0, lazy.seen.length));
    }),
    { numRuns: 25 },
  );
});

/** Goes from page to page. */
class Follower {
  readonly seen: number[] = [];
  lost = false;
  readonly #store: Store;
  readonly #limit: number;
  #cursor: number;

  constructor(store: Store, cursor: number, limit: number) {
    this.#store = store;
    this.#cursor = cursor;
    this.#limit = limit;
  }

  async catchUp(): Promise<void> {
    for (let atEnd = this.lost; !atEnd;) {
      try {
        const page = await readOwn(this.#store, this.#cursor, this.#limit);
        this.seen.push(...page.seqs);
        this.#cursor = page.cursor;
        atEnd = page.atEnd;
      } catch (error) {
        if (!(error instanceof MakimaError && error.code === "gone")) throw error;
        this.lost = true;
        atEnd = true;
      }
    }
  }
}
