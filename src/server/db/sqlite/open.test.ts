import { sql } from "kysely";
import assert from "node:assert/strict";
import { open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { MakimaError } from "../../../core/errors.ts";
import { systemClock } from "../../../platform/clock.ts";
import { createLogger } from "../../../platform/log.ts";
import { CreateContract } from "../../../protocol/api.ts";
import { createContract } from "../../contracts/create.ts";
import { openStore, temporaryHome } from "../../testing/basics.ts";
import { contract } from "../../testing/data.ts";
import { openSource } from "../../testing/engines.ts";
import { Store } from "../store.ts";
import { openSqliteFile } from "./open.ts";

function isError(code: string, path: string) {
  return (error: unknown) => error instanceof MakimaError && error.code === code && error.message.includes(path);
}

test("a new database is closed to others, and opens again with what was written", async () => {
  await using home = await temporaryHome();
  const path = join(home.path, "makima.db");
  {
    await using store = await openSource({ kind: "sqlite", path });
    await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
    for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  }
  await using store = await openSource({ kind: "sqlite", path });
  assert.equal((await store.db.selectFrom("tasks").select("name").execute())[0]?.name, contract.name);
});

test("the settings that durability rests on are in force", async () => {
  await using home = await temporaryHome();
  const { openSqlite } = await import("./dialect.ts");
  const database = openSqlite(join(home.path, "makima.db"));
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  assert.deepEqual(["journal_mode", "synchronous", "foreign_keys"].map(pragma), ["wal", 2, 1]);
  database.close();
});

test("a file that is no database is refused and left as it is", async () => {
  await using home = await temporaryHome();
  const path = join(home.path, "makima.db");
  const garbage = Buffer.alloc(8192, "not a database ");
  await writeFile(path, garbage);
  await assert.rejects(openSqliteFile(path), isError("database_corrupt", path));
  assert.deepEqual(await readFile(path), garbage);
});

test("a damaged page is refused", async () => {
  await using home = await temporaryHome();
  const path = join(home.path, "makima.db");
  {
    await using store = await openStore(home.path);
    for (let count = 0; count < 50; count += 1) {
      await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
    }
  }
  await overwritePage(path, rootPage(path, "tasks"));
  await assert.rejects(openSqliteFile(path), isError("database_corrupt", path));
});

test("a database with a migration from the future is refused", async () => {
  await using home = await temporaryHome();
  const path = join(home.path, "makima.db");
  await (await openStore(home.path))[Symbol.asyncDispose]();
  const database = new DatabaseSync(path);
  database.exec("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', '2099')");
  database.close();
  await assert.rejects(openSqliteFile(path), isError("database_newer", path));
});

test("a place that cannot be written is refused", async () => {
  // Not even root may write here.
  await assert.rejects(openSqliteFile("/sys/makima/makima.db"), isError("read_only", "/sys/makima/makima.db"));
});

function rootPage(path: string, table: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const row = database.prepare("SELECT rootpage FROM sqlite_master WHERE name = ?").get(table);
  database.close();
  return Number(row?.["rootpage"]);
}

async function overwritePage(path: string, page: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(Buffer.alloc(4096, 0xff), 0, 4096, (page - 1) * 4096);
}

test("a full disk is told of, once, can be read from, and is written to again when it has room", async () => {
  await using home = await temporaryHome();
  const lines: string[] = [];
  const log = createLogger({ level: "info", format: "json", stream: { write: (line) => void lines.push(line) } });
  await using store = await Store.open({ kind: "sqlite", path: join(home.path, "makima.db") }, systemClock, log);
  const write = () => store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  const count = async () => (await store.db.selectFrom("tasks").select("id").execute()).length;
  await write();
  // SQLite answers as for a disk without room.
  await sql`pragma max_page_count = 1`.execute(store.db);
  const full = { code: "database_unavailable", message: /^The disk is full that holds the database .*makima\.db$/ };
  await assert.rejects(async () => {
    for (;;) await write();
  }, full);
  await assert.rejects(write, full);
  const before = await count();
  assert.ok(before >= 1);
  await sql`pragma max_page_count = 1000000`.execute(store.db);
  await write();
  assert.equal(await count(), before + 1);
  const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  assert.deepEqual(told, ["the disk of the database is full", "the disk of the database has room again"]);
});
