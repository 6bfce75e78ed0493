import { sql } from "kysely";
import assert from "node:assert/strict";
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../../platform/clock.ts";
import { silent, until } from "../../testing/basics.ts";
import { postgresDatabase, sharedPostgres } from "../../testing/engines.ts";
import { startPostgres } from "../../testing/postgres.ts";
import { nextNumber } from "../counters.ts";
import { databaseOf } from "../source.ts";
import { Store } from "../store.ts";
import type { Write } from "../store.ts";
import { DATABASE_TOPIC } from "../wakeups.ts";

const unavailable = { code: "database_unavailable" };

for (const mode of ["fast", "immediate"] as const) {
  test(`a database that is stopped (${mode}) is away until it is back, and nothing acknowledged is lost`, async () => {
    await using postgres = await startPostgres();
    await using database = await postgresDatabase(postgres);
    await using store = await database.open();
    const states: boolean[] = [];
    using _ = store.wakeups.listen(DATABASE_TOPIC, () => states.push(store.away !== null));
    const writer = keepWriting(store);
    await until(() => writer.acknowledged.length >= 20);
    await postgres.stop(mode);
    await until(() => store.away !== null);
    await assert.rejects(store.write(record("never")), unavailable);
    await assert.rejects(store.db.selectFrom("tasks").select("id").execute(), unavailable);
    const back = store.available();
    await assert.rejects(store.available(AbortSignal.abort()), { name: "AbortError" });
    const reached = writer.acknowledged.length;
    await postgres.start();
    await back;
    assert.equal(store.away, null);
    await until(() => writer.acknowledged.length >= reached + 20);
    await writer.stop();
    const stored = await entries(store);
    assert.deepEqual(
      stored.map(({ seq }) => seq),
      stored.map((_entry, index) => index + 1),
    );
    const ids = stored.map(({ id }) => id);
    assert.deepEqual(ids, [...new Set(ids)], "nothing twice");
    assert.deepEqual(
      writer.acknowledged.filter((id) => !ids.includes(id)),
      [],
    );
    assert.equal(states[0], true);
    assert.equal(states.at(-1), false);
  });
}

test("a transaction whose connection is lost before its commit is done again", async () => {
  await using database = await postgresDatabase();
  await using store = await database.open();
  let tries = 0;
  const seq = await store.write(async (tx) => {
    tries += 1;
    if (tries < 3) await sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx.db).catch(() => undefined);
    return record("again")(tx);
  });
  assert.deepEqual([seq, tries], [1, 3]);
  assert.deepEqual((await entries(store)).length, 1);
});

test("one that loses its connection again and again is given up", async () => {
  await using database = await postgresDatabase();
  await using store = await database.open();
  const hopeless = store.write(async ({ db }) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(db));
  await assert.rejects(hopeless, unavailable);
  assert.equal(await store.write(record("next")), 1);
});

for (const reached of [true, false]) {
  test(`a commit whose answer never came ${reached ? "was done: it is not done again" : "was lost: it is done again"}`, async () => {
    await using database = await postgresDatabase();
    await using proxy = await CommitCutter.open((await sharedPostgres()).socket);
    const url = `postgres://makima@127.0.0.1:${proxy.port}/${databaseOf(database.source.url)}`;
    await using store = await Store.open({ kind: "postgres", url }, systemClock, silent);
    await store.write(record("first"));
    let tries = 0;
    let woken = 0;
    using _ = store.wakeups.listen("done", () => (woken += 1));
    proxy.cut = reached ? "answer" : "commit";
    const seq = await store.write(async (tx) => {
      tries += 1;
      tx.wake("done");
      return record("doubtful")(tx);
    });
    assert.equal(proxy.cut, null);
    assert.deepEqual([seq, tries], [2, reached ? 1 : 2]);
    assert.ok(woken >= 1);
    assert.deepEqual(
      (await entries(store)).map(({ id }) => id),
      ["first", "doubtful"],
    );
    assert.equal(await store.write(record("next")), 3);
  });
}

test("one database lost by many queries at once is lost once", async () => {
  await using database = await postgresDatabase();
  await using store = await database.open();
  const states: unknown[] = [];
  using _ = store.wakeups.listen(DATABASE_TOPIC, () => states.push(store.away?.problem ?? null));
  const sleeping = Array.from({ length: 5 }, () => sql`select pg_sleep(60)`.execute(store.db).catch((error) => error));
  await using other = await database.open();
  const asleep = sql<{ pid: number }>`select pid from pg_stat_activity where query = 'select pg_sleep(60)'`;
  await until(async () => (await asleep.execute(other.db)).rows.length === 5);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'`.execute(
    other.db,
  );
  for (const error of await Promise.all(sleeping)) assert.equal(error.code, "database_unavailable");
  await store.available();
  assert.deepEqual(states, ["terminating connection due to administrator command", null]);
});

function record(id: string): (tx: Write) => Promise<number> {
  return async (tx) => {
    const seq = await nextNumber(tx, "changes");
    await tx.db.insertInto("changes").values({ seq, at: tx.now, kind: "task", id, data: "{}" }).execute();
    return seq;
  };
}

async function entries({ db }: Store): Promise<{ seq: number; id: string }[]> {
  return db.selectFrom("changes").select(["seq", "id"]).orderBy("seq").execute();
}

/** Writes one entry after the other, whether the database is there or not. */
function keepWriting(store: Store) {
  const acknowledged: string[] = [];
  const stopped = new AbortController();
  const done = (async () => {
    for (let index = 0; !stopped.signal.aborted; index += 1) {
      try {
        await store.write(record(`entry-${index}`));
        acknowledged.push(`entry-${index}`);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === unavailable.code)) throw error;
        await store.available();
      }
    }
  })();
  const stop = () => {
    stopped.abort();
    return done;
  };
  return { acknowledged, stop };
}

/** Stands between a store and PostgreSQL, and cuts the connection at the next commit: before it, or before its answer. */
class CommitCutter implements AsyncDisposable {
  cut: "commit" | "answer" | null = null;
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(socket: string): Promise<CommitCutter> {
    const cutter = new CommitCutter(socket);
    await new Promise<void>((resolve) => cutter.#server.listen(0, "127.0.0.1", resolve));
    return cutter;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const postgres = connect(this.#socket);
    let answering = true;
    for (const [from, to] of [[client, postgres] as const, [postgres, client] as const]) {
      this.#sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    client.on("data", (data: Buffer) => {
      if (this.cut === null || !data.includes("; commit\0")) return postgres.write(data);
      const cut = this.cut;
      this.cut = null;
      if (cut === "commit") return client.destroy();
      answering = false;
      return postgres.write(data);
    });
    postgres.on("data", (data: Buffer) => (answering ? client.write(data) : client.destroy()));
  }
}
