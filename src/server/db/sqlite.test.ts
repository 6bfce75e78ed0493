import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStore, temporaryHome } from "../testing/harness.ts";
import { nextNumber } from "./counters.ts";

test("a failed transaction leaves nothing behind, wakes nobody, and the next one works", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  let woken = 0;
  using _ = store.wakeups.listen("topic", () => (woken += 1));
  const failing = store.write(async (tx) => {
    await nextNumber(tx, "changes");
    tx.wake("topic");
    throw new Error("no");
  });
  await assert.rejects(failing, /no/);
  assert.equal(woken, 0);
  const next = await store.write(async (tx) => {
    tx.wake("topic");
    return nextNumber(tx, "changes");
  });
  assert.equal(next, 1);
  assert.equal(woken, 1);
});

test("numbers have no gaps and no repeats, whatever runs at the same time", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const numbers = await Promise.all(Array.from({ length: 50 }, () => store.write((tx) => nextNumber(tx, "changes"))));
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
});

test("a transaction takes the write lock at its begin, not at its first write", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const other = new DatabaseSync(join(home.path, "makima.db"), { timeout: 0 });
  await store.write(async () => {
    assert.throws(() => other.exec("BEGIN IMMEDIATE"), /locked/);
  });
  other.exec("BEGIN IMMEDIATE; ROLLBACK");
  other.close();
});

test("more distinct statements than the cache holds still work", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  for (let limit = 1; limit <= 300; limit += 1) {
    const ids = Array.from({ length: limit }, (_, index) => String(index));
    assert.deepEqual(await store.db.selectFrom("tasks").select("id").where("id", "in", ids).execute(), []);
  }
});
