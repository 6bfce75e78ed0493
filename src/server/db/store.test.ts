import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { onEveryEngine, postgresDatabase, sharedPostgres } from "../testing/engines.ts";
import { nextNumber } from "./counters.ts";
import { MIGRATIONS } from "./migrations.ts";
import { preparePostgres } from "./postgres/open.ts";

onEveryEngine("a failed transaction leaves nothing behind, wakes nobody, and the next one works", async (database) => {
  await using store = await database.open();
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

onEveryEngine("who swallows a failed statement does not get the rest committed by halves", async (database) => {
  await using store = await database.open();
  const insert = (name: string) => store.db.insertInto("counters").values({ name: name as "changes", value: 7 });
  const careless = store.write(async (tx) => {
    await tx.db.updateTable("counters").set({ value: 99 }).execute();
    await tx.db.executeQuery(insert("changes")).catch(() => undefined);
  });
  // SQLite takes back the statement alone; PostgreSQL the whole transaction, and then it must not look committed.
  const committed = await careless.then(
    () => true,
    () => false,
  );
  const values = await store.db.selectFrom("counters").select("value").execute();
  assert.deepEqual(new Set(values.map(({ value }) => value)), new Set([committed ? 99 : 0]));
});

onEveryEngine("numbers have no gaps and no repeats, whatever runs at the same time", async (database) => {
  await using store = await database.open();
  const numbers = await Promise.all(Array.from({ length: 50 }, () => store.write((tx) => nextNumber(tx, "changes"))));
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
});

onEveryEngine("numbers and texts come back as they were", async (database) => {
  await using store = await database.open();
  const name = 'quoted "text"; \\ \u{1f600} \t';
  const value = Number.MAX_SAFE_INTEGER;
  await store.write(async ({ db }) => {
    await db
      .insertInto("keys")
      .values({ ...key, name })
      .execute();
    await db.updateTable("counters").set({ value }).where("name", "=", "changes").execute();
  });
  assert.equal((await store.db.selectFrom("keys").select("name").executeTakeFirstOrThrow()).name, name);
  const figures = await store.db
    .selectFrom("counters")
    .select(({ fn }) => [
      fn.countAll<number>().as("count"),
      fn.max("value").as("max"),
      fn.sum<number>("value").as("sum"),
    ])
    .executeTakeFirstOrThrow();
  assert.deepEqual({ ...figures }, { count: 3, max: value, sum: value });
});

onEveryEngine("a NUL in a text, which PostgreSQL cannot store, keeps nothing out", async (database) => {
  await using store = await database.open();
  await store.write(({ db }) =>
    db
      .insertInto("keys")
      .values({ ...key, name: "a\0b" })
      .execute(),
  );
  const { name } = await store.db.selectFrom("keys").select("name").executeTakeFirstOrThrow();
  assert.equal(name, store.shared ? "a\uFFFDb" : "a\0b");
});

onEveryEngine("a transaction knows its moment", async (database) => {
  await using store = await database.open();
  const before = systemClock.now();
  const { now } = await store.write(async (tx) => tx);
  assert.ok(Number.isInteger(now) && now >= before - 1 && now <= systemClock.now() + 1, String(now));
});

test("two servers that start on an empty database at the same moment leave one schema", async () => {
  const postgres = await sharedPostgres();
  await postgres.administer("create database empty");
  const source = { kind: "postgres", url: postgres.url("empty") } as const;
  const lists = await Promise.all([preparePostgres(source), preparePostgres(source), preparePostgres(source)]);
  assert.deepEqual(lists.flat(), Object.keys(MIGRATIONS));
  await postgres.administer("drop database empty");
});

test("a PostgreSQL database with a migration from the future is refused", async () => {
  await using database = await postgresDatabase();
  {
    await using store = await database.open();
    const future = { name: "9999-future", timestamp: "2099" };
    await store.db
      .withTables<{ kysely_migration: typeof future }>()
      .insertInto("kysely_migration")
      .values(future)
      .execute();
  }
  await assert.rejects(database.open(), { code: "database_newer", message: /test_.* is from a newer .*9999-future/ });
});

const key = {
  id: "k",
  hash: "",
  kind: "user",
  contract_id: null,
  run_id: null,
  created_at: 0,
  revoked_at: null,
} as const;
