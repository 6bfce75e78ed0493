import { sql } from "kysely";
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../platform/clock.ts";
import { until, silent } from "../../testing/basics.ts";
import { postgresDatabase } from "../../testing/engines.ts";
import { nextNumber } from "../counters.ts";
import { Store } from "../store.ts";
import type { Write } from "../store.ts";

/** Two servers on one database. */
async function twoStores() {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await postgresDatabase());
  const here = resources.use(await database.open());
  const there = resources.use(await database.open());
  const owned = resources.move();
  return { database, here, there, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function record(tx: Write): Promise<number> {
  const seq = await nextNumber(tx, "changes");
  await tx.db.insertInto("changes").values({ seq, at: tx.now, kind: "task", id: "t", data: "{}" }).execute();
  return seq;
}

test("write transactions of two servers come one after the other; the feed has no gap, at any moment", async () => {
  await using servers = await twoStores();
  const { here, there } = servers;
  let inside = 0;
  const write = (store: Store) =>
    store.write(async (tx) => {
      assert.equal((inside += 1), 1);
      const seq = await record(tx);
      inside -= 1;
      return seq;
    });
  const written = new AbortController();
  const watching = (async () => {
    while (!written.signal.aborted) {
      const rows = await there.db.selectFrom("changes").select("seq").orderBy("seq").execute();
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        rows.map((_, index) => index + 1),
      );
    }
  })();
  const all = await Promise.all(Array.from({ length: 200 }, (_, index) => write(index % 2 === 0 ? here : there)));
  written.abort();
  await watching;
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    all.map((_, index) => index + 1),
  );
});

test("the moment of a transaction is the database's and never goes back over the servers", async () => {
  await using servers = await twoStores();
  const late = { ...systemClock, now: () => 1 };
  await using wrong = await Store.open(servers.database.source, late, silent);
  const moments: number[] = [];
  for (const store of [servers.here, wrong, servers.there, wrong])
    await store.write(async ({ now }) => moments.push(now));
  assert.deepEqual(
    moments,
    moments.toSorted((a, b) => a - b),
  );
  assert.ok((moments[0] ?? 0) > 1_000_000_000_000);
});

test("a wake-up reaches the other server after the commit, and its own once", async () => {
  await using servers = await twoStores();
  const { here, there } = servers;
  const heard: string[] = [];
  using _here = here.wakeups.listen("run/1/events", () => heard.push("here"));
  using _there = there.wakeups.listen("run/1/events", () => heard.push("there"));
  using _other = there.wakeups.listen("run/2/events", () => heard.push("other"));
  await here.write(async (tx) => {
    tx.wake("run/1/events");
    await record(tx);
    assert.deepEqual(heard, []);
  });
  await until(() => heard.includes("there"));
  await assert.rejects(
    here.write(async (tx) => {
      tx.wake("run/2/events");
      throw new Error("no");
    }),
  );
  // What is told after it comes after it: it was told to nobody.
  await there.write(async (tx) => tx.wake("run/1/events"));
  await until(() => heard.filter((who) => who === "here").length === 2);
  assert.deepEqual(heard.toSorted(), ["here", "here", "there", "there"]);
});

test("more topics than a notice holds wake everybody there", async () => {
  await using servers = await twoStores();
  let heard = 0;
  using _ = servers.there.wakeups.listen("something else", () => (heard += 1));
  await servers.here.write(async (tx) => {
    for (let index = 0; index < 10_000; index += 1) tx.wake(`run/${index}/events`);
  });
  await until(() => heard === 1);
});

test("notices that were missed while the listening connection was lost are made up for", async () => {
  await using servers = await twoStores();
  const { here, there } = servers;
  let heard = 0;
  using _ = there.wakeups.listen("topic", () => (heard += 1));
  assert.equal(await endSessions(here, "listen%"), 2);
  await here.write(async (tx) => tx.wake("topic"));
  await until(() => heard > 0);
  // However the two met: what is told from now on is heard.
  await until(async () => (await sessions(here, "listen%")).length === 2);
  const before = heard;
  await here.write(async (tx) => tx.wake("topic"));
  await until(() => heard > before);
  assert.equal(there.away, null);
});

test("a server that stalls in a transaction loses it, and does it again when the others have gone on", async () => {
  await using database = await postgresDatabase();
  const impatient = { ...database.source, url: `${database.source.url}&idle_in_transaction_session_timeout=200` };
  await using stalling = await Store.open(impatient, systemClock, silent);
  await using other = await database.open();
  let tries = 0;
  const stalled = stalling.write(async (tx) => {
    tries += 1;
    const seq = await record(tx);
    if (tries === 1) await other.write(record);
    return seq;
  });
  assert.equal(await stalled, 2);
  assert.equal(tries, 2);
});

/** Ends the sessions whose last statement is like this one, and gives their number. */
async function endSessions(store: Store, statement: string): Promise<number> {
  const pids = await sessions(store, statement);
  for (const pid of pids) await sql`select pg_terminate_backend(${pid})`.execute(store.db);
  return pids.length;
}

async function sessions({ db }: Store, statement: string): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and query like ${statement}
  `.execute(db);
  return rows.map(({ pid }) => pid);
}
