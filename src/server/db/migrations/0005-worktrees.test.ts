import { Kysely, Migrator, sql } from "kysely";
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryHome } from "../../testing/basics.ts";
import { openSource, sharedPostgres } from "../../testing/engines.ts";
import { migrationProvider } from "../migrations.ts";
import { openPatiently } from "../postgres/open.ts";
import type { DatabaseSource } from "../source.ts";
import { NodeSqliteDialect, openSqlite } from "../sqlite/dialect.ts";
import type { Tables } from "../tables.ts";

test("a SQLite database of the version before keeps its operations, commands and daemons", async () => {
  await using home = await temporaryHome();
  const path = join(home.path, "makima.db");
  await fillOlder(new Kysely<Tables>({ dialect: new NodeSqliteDialect(openSqlite(path)) }));
  await requireKept({ kind: "sqlite", path });
});

test("a PostgreSQL database of the version before keeps its operations, commands and daemons", async () => {
  const postgres = await sharedPostgres();
  await postgres.administer("create database older");
  const source = { kind: "postgres", url: postgres.url("older") } as const;
  await fillOlder(await openPatiently(source));
  await requireKept(source);
  await postgres.administer("drop database older");
});

/** As the version before left an operation: with everything that it may have. */
const OPERATION = {
  id: "o1",
  kind: "GetDiff",
  contract_id: "c1",
  task_id: "t1",
  daemon_id: "d1",
  queue: "c1",
  seq: 7,
  status: "done",
  origin: "person",
  order: "{}",
  result: '{"a":1}',
  error: null,
  created_at: 5,
  ended_at: 6,
};

/** Makes the database what makima had before this migration, with a row in each table that it changes, and closes it. */
async function fillOlder(database: Kysely<Tables>): Promise<void> {
  await using db = database;
  const { error } = await new Migrator({ db, provider: migrationProvider }).migrateTo("0004-contracts");
  assert.equal(error, undefined);
  await sql`insert into contracts (id, name, status, type, goal, created_at, updated_at)
    values ('c1', 'c', 'active', 'simple', 'g', 0, 0)`.execute(db);
  await sql`insert into daemons (id, name, host, max_tasks, online, last_seen_at)
    values ('d1', 'box', 'host', 1, 0, 0)`.execute(db);
  await sql`insert into commands (id, seq, daemon_id, run_id, kind, payload, created_at)
    values ('k1', 1, 'd1', 'r1', 'PauseTask', '{}', 0)`.execute(db);
  const columns = sql.join(Object.keys(OPERATION).map((name) => sql.ref(name)));
  await sql`insert into operations (${columns}) values (${sql.join(Object.values(OPERATION))})`.execute(db);
}

async function requireKept(source: DatabaseSource): Promise<void> {
  await using store = await openSource(source);
  const [operation, ...others] = await store.db.selectFrom("operations").selectAll().execute();
  assert.deepEqual([{ ...operation }, others.length], [OPERATION, 0]);
  const command = await store.db.selectFrom("commands").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([command.run_id, command.contract_id, command.payload], ["r1", null, "{}"]);
  const daemon = await store.db.selectFrom("daemons").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual(
    [daemon.name, daemon.worktree_bytes, daemon.worktree_quota, daemon.worktrees_full],
    ["box", null, null, 0],
  );
  // One about a daemon fits in beside it, but none about a contract that there is not.
  const add = (id: string, contract: string | null) =>
    sql`
    insert into operations (id, kind, contract_id, daemon_id, seq, status, origin, "order", created_at)
    values (${id}, 'ListWorktrees', ${contract}, 'd1', 8, 'queued', 'person', '{}', 9)`.execute(store.db);
  await add("o2", null);
  await assert.rejects(add("o3", "nobody"), /foreign key/i);
  const { rows } = await sql<{ name: string }>`${
    source.kind === "postgres"
      ? sql`select indexname as name from pg_indexes where tablename = 'operations'`
      : sql`select name from sqlite_master where type = 'index' and tbl_name = 'operations'`
  }`.execute(store.db);
  const names = rows.map(({ name }) => name);
  for (const key of ["by_contract", "live", "queued", "of_daemon", "reading"]) {
    assert.ok(names.includes(`operations_${key}`), key);
  }
}
