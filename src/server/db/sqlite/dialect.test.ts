import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStore, temporaryHome } from "../../testing/basics.ts";

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
