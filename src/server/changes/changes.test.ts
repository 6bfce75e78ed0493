import assert from "node:assert/strict";
import type { MakimaError } from "../../core/errors.ts";
import type { Store } from "../db/store.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { readChanges, recordChange, trimChanges } from "./changes.ts";

/** Appends changes; the number that the feed then ends with. */
async function record(store: Store, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await store.write((tx) => recordChange(tx, "task", "t", { index }));
  }
}

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
  await trim(Number.MAX_SAFE_INTEGER);
  assert.equal(await read(store, 1), "gone: The changes right after 1 were dropped: the first cursor is 2 now");
  assert.deepEqual(await read(store, 2), [3]);
  await record(store, 1);
  assert.deepEqual(await read(store, 2), [3, 4]);
  assert.deepEqual(await read(store, 4), []);
});
