import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { Store } from "../db/store.ts";
import { contract } from "../testing/data.ts";
import { sharedPostgres } from "../testing/engines.ts";
import { call, launch, silent, temporaryHome, temporaryServer } from "../testing/harness.ts";
import { once } from "./idempotency.ts";

test("of equal requests at once, on two servers of one database, one is carried out", async () => {
  await using home = await temporaryHome();
  await using other = await temporaryHome();
  const cluster = await sharedPostgres();
  const database = { kind: "postgres", url: await cluster.createDatabase() } as const;
  await using first = await launch(home.path, { database });
  await using second = await launch(other.path, { database });
  const key = { "idempotency-key": "once" };
  const servers = [first, second, first, second].map((server) => ({ ...server, userKey: first.userKey }));
  const replies = await Promise.all(servers.map((server) => call(server, "createContract", contract, key)));
  for (const reply of replies) assert.deepEqual(reply, replies[0]);
  assert.equal((await call(first, "listContracts", {})).contracts.length, 1);
});

test("changes and deletions are repeated as safely, and a key is one caller's", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { contract: made } = await call(server, "createContract", contract);
  const update = () => call(server, "updateContract", { id: made.id, name: "Another" }, { "idempotency-key": "u" });
  assert.deepEqual(await update(), await update());
  const remove = () => call(server, "deleteContract", { id: made.id }, { "idempotency-key": "d" });
  assert.deepEqual(await remove(), await remove());
  const { token } = await call(server, "createKey", { kind: "user", name: "another" });
  const other = { ...server, userKey: token };
  await call(other, "createContract", contract, { "idempotency-key": "u" });
});

test("a reply that holds a secret is not kept, so a repetition is refused", async () => {
  await using running = await temporaryServer();
  const { server, home } = running;
  const create = () => call(server, "createKey", { kind: "user", name: "one" }, { "idempotency-key": "k" });
  const { token } = await create();
  await assert.rejects(create, /409.*conflict.*shown only once/);
  assert.equal((await call(server, "listKeys", {})).keys.filter(({ name }) => name === "one").length, 1);
  await using store = await Store.open({ kind: "sqlite", path: join(home, "makima.db") }, systemClock, silent);
  const kept = await store.db.selectFrom("replies").selectAll().execute();
  assert.ok(kept.length > 0 && !JSON.stringify(kept).includes(token));
});

test("a reply is kept for a day", async () => {
  await using home = await temporaryHome();
  let now = 1_000;
  const clock = { ...systemClock, now: () => now };
  await using store = await Store.open({ kind: "sqlite", path: join(home.path, "makima.db") }, clock, silent);
  let done = 0;
  const attempt = { keyId: "k", idempotencyKey: "i", request: ["route"], secret: false };
  const run = () => store.write((tx) => once(tx, attempt, async () => (done += 1)));
  assert.equal(await run(), 1);
  now += 24 * 60 * 60 * 1000;
  assert.equal(await run(), 1);
  now += 1;
  assert.equal(await run(), 2);
});
