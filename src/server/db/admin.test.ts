import assert from "node:assert/strict";
import { readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { openStore, temporaryHome, until } from "../testing/basics.ts";
import { onEveryEngine, openSource, postgresDatabase, sharedPostgres, sqliteDatabase } from "../testing/engines.ts";
import { fillAtRandom, rowsOf } from "../testing/rows.ts";
import type { Row } from "../testing/rows.ts";
import { backupDatabase, importDatabase, migrateDatabase, restoreDatabase } from "./admin.ts";
import { nextNumber } from "./counters.ts";
import { MIGRATIONS } from "./migrations.ts";

onEveryEngine("a backup holds every row, closed to others, in one file", async (database) => {
  await using home = await temporaryHome();
  const file = join(home.path, "backup.db");
  await using store = await database.open();
  await fillAtRandom(store);
  const { bytes } = await backupDatabase(database.source, file);
  const { size, mode } = await stat(file);
  assert.deepEqual([size, mode & 0o777], [bytes, 0o600]);
  assert.deepEqual(await readdir(home.path), ["backup.db"]);
  assert.deepEqual(await rowsOfFile(file), await rowsOf(store.db));
  await assert.rejects(backupDatabase(database.source, file), { code: "conflict" });
});

onEveryEngine("a database that is imported is the same, row by row, and goes on from there", async (target) => {
  await using source = await sqliteDatabase();
  await using from = await source.open();
  await fillAtRandom(from);
  const expected = await rowsOf(from.db);
  const told = new Map<string, number>();
  const progress = (table: string, rows: number) => told.set(table, rows);
  const { rows } = await importDatabase({ from: source.source.path, to: target.source, progress });
  await using store = await target.open();
  assert.deepEqual(await rowsOf(store.db), expected);
  assert.deepEqual(rows, Object.fromEntries(Object.entries(expected).map(([table, all]) => [table, all.length])));
  assert.deepEqual(Object.fromEntries(told), Object.fromEntries(Object.entries(rows).filter(([, count]) => count > 0)));
  await fillAtRandom(store);
  await assert.rejects(importDatabase({ from: source.source.path, to: target.source }), { code: "conflict" });
});

onEveryEngine("from one engine to the other and back nothing is changed", async (origin) => {
  await using home = await temporaryHome();
  await using other = await (origin.source.kind === "sqlite" ? postgresDatabase() : sqliteDatabase());
  await using returned = await (origin.source.kind === "sqlite" ? sqliteDatabase() : postgresDatabase());
  await using store = await origin.open();
  await fillAtRandom(store);
  const [there, back] = [join(home.path, "there.db"), join(home.path, "back.db")];
  await backupDatabase(origin.source, there);
  await restoreDatabase(there, other.source);
  await backupDatabase(other.source, back);
  await restoreDatabase(back, returned.source);
  await using last = await returned.open();
  assert.deepEqual(await rowsOf(last.db), await rowsOf(store.db));
});

onEveryEngine("a backup of a database at work is one moment of it", async (database) => {
  await using home = await temporaryHome();
  await using store = await database.open();
  const stopped = new AbortController();
  let written = 0;
  const writer = (async () => {
    while (!stopped.signal.aborted) {
      await store.write(async (tx) => {
        const seq = await nextNumber(tx, "changes");
        await tx.db.insertInto("changes").values({ seq, at: tx.now, kind: "task", id: "t", data: "{}" }).execute();
      });
      written += 1;
      await setImmediate();
    }
  })();
  await until(() => written > 100);
  const before = written;
  const file = join(home.path, "backup.db");
  await backupDatabase(database.source, file);
  stopped.abort();
  await writer;
  const { changes = [], counters = [] } = await rowsOfFile(file);
  assert.ok(changes.length >= before && changes.length <= written);
  assert.equal(counters.find(({ name }) => name === "changes")?.["value"], changes.length);
});

onEveryEngine("migrating a database that is up to date changes nothing", async (database) => {
  await (await database.open())[Symbol.asyncDispose]();
  assert.deepEqual(await migrateDatabase(database.source), { applied: [] });
});

test("migrating a new database names every step", async () => {
  await using home = await temporaryHome();
  const { applied } = await migrateDatabase({ kind: "sqlite", path: join(home.path, "makima.db") });
  assert.deepEqual(applied, Object.keys(MIGRATIONS));
  const postgres = await sharedPostgres();
  await postgres.administer("create database fresh");
  assert.deepEqual(await migrateDatabase({ kind: "postgres", url: postgres.url("fresh") }), { applied });
});

test("a restored database takes the place of the other, which is kept with all that was in it", async () => {
  await using home = await temporaryHome();
  const [path, file] = [join(home.path, "makima.db"), join(home.path, "backup.db")];
  const to = { kind: "sqlite", path } as const;
  {
    await using store = await openStore(home.path);
    await fillAtRandom(store);
    await backupDatabase(to, file);
    await store.write((tx) => nextNumber(tx, "changes"));
  }
  const replaced = await rowsOfFile(path);
  await assert.rejects(restoreDatabase(file, to), { code: "conflict" });
  const { aside } = await restoreDatabase(file, to, { replace: true });
  assert.ok(aside !== null);
  assert.deepEqual(await rowsOfFile(aside), replaced);
  assert.deepEqual(await rowsOfFile(path), await rowsOfFile(file));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await using store = await openStore(home.path);
  await fillAtRandom(store);
});

test("what a killed server left in its log is kept with the database that is replaced", async () => {
  await using home = await temporaryHome();
  const [path, file] = [join(home.path, "makima.db"), join(home.path, "backup.db")];
  await using store = await openStore(home.path);
  await backupDatabase({ kind: "sqlite", path }, file);
  await fillAtRandom(store);
  // The files of a server that is killed now.
  await using killed = await temporaryHome();
  for (const suffix of ["", "-wal"])
    await writeFile(join(killed.path, `makima.db${suffix}`), await readFile(path + suffix));
  const to = { kind: "sqlite", path: join(killed.path, "makima.db") } as const;
  const { aside } = await restoreDatabase(file, to, { replace: true });
  assert.deepEqual(await rowsOfFile(aside ?? ""), await rowsOf(store.db));
  assert.deepEqual(await rowsOfFile(to.path), await rowsOfFile(file));
});

test("a damaged database can be replaced; a damaged, foreign, newer or missing backup replaces nothing", async () => {
  await using home = await temporaryHome();
  const [path, file] = [join(home.path, "makima.db"), join(home.path, "backup.db")];
  const to = { kind: "sqlite", path } as const;
  {
    await using store = await openStore(home.path);
    await fillAtRandom(store);
  }
  await backupDatabase(to, file);
  const whole = await readFile(path);
  const replace = (name: string) => restoreDatabase(join(home.path, name), to, { replace: true });
  await writeFile(join(home.path, "cut.db"), (await readFile(file)).subarray(0, 40 * 4096));
  await writeFile(join(home.path, "text.db"), "no database ".repeat(1000));
  new DatabaseSync(join(home.path, "foreign.db")).exec("CREATE TABLE t (x)");
  await writeFile(join(home.path, "newer.db"), await readFile(file));
  addMigration(join(home.path, "newer.db"));
  await assert.rejects(replace("cut.db"), { code: "database_corrupt" });
  await assert.rejects(replace("text.db"), { code: "database_corrupt" });
  await assert.rejects(replace("newer.db"), { code: "database_newer" });
  await assert.rejects(replace("foreign.db"), { code: "not_found" });
  await assert.rejects(replace("absent.db"), { code: "not_found" });
  assert.deepEqual(await readFile(path), whole);
  await truncate(path, 5000);
  await replace("backup.db");
  assert.deepEqual(await rowsOfFile(path), await rowsOfFile(file));
  assert.deepEqual(
    (await readdir(home.path)).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("a database of an older makima is not imported", async () => {
  await using home = await temporaryHome();
  const path = join(home.path, "makima.db");
  await migrateDatabase({ kind: "sqlite", path });
  const database = new DatabaseSync(path);
  database.exec("DELETE FROM kysely_migration WHERE name <> '0001-initial'");
  database.close();
  await using target = await sqliteDatabase();
  await assert.rejects(importDatabase({ from: path, to: target.source }), { code: "conflict", message: /older/ });
});

async function rowsOfFile(path: string): Promise<Record<string, Row[]>> {
  await using store = await openSource({ kind: "sqlite", path });
  // The database must not be closed before it has been read.
  return await rowsOf(store.db);
}

function addMigration(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', '2099')");
  database.close();
}
