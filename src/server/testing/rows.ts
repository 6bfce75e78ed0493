import { sql } from "kysely";
import type { Kysely } from "kysely";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { Db, Store } from "../db/store.ts";
import { sqliteDatabase } from "./engines.ts";

export type Row = Record<string, unknown>;

/** Fills every table with rows of whatever its columns take: more rows than a batch has, and more bytes. */
export async function fillAtRandom(store: Store): Promise<void> {
  const tables = await schemaOf();
  const keys = new Map<string, unknown[]>();
  await store.write(async ({ db }) => {
    for (const table of tables) {
      const rows = Array.from({ length: ROWS }, () => randomRow(table, keys));
      // Some rows hit a unique index; there are enough without them.
      await untyped(db)
        .insertInto(table.name)
        .values(rows)
        .onConflict((it) => it.doNothing())
        .execute();
      const stored = await untyped(db).selectFrom(table.name).selectAll().execute();
      for (const { name } of table.columns) keys.set(`${table.name}.${name}`, columnOf(stored, name));
    }
  });
}

/** Every row of makima's tables, in no order that an engine has given them. */
export async function rowsOf(db: Db): Promise<Record<string, Row[]>> {
  const tables: Record<string, Row[]> = {};
  for (const { name } of await schemaOf()) {
    const rows = await untyped(db).selectFrom(name).selectAll().execute();
    const sortable = rows.map(comparable).map((row) => ({ row, text: JSON.stringify(row) }));
    tables[name] = sortable.toSorted((a, b) => (a.text < b.text ? -1 : 1)).map(({ row }) => row);
  }
  return tables;
}

const ROWS = 250;

function columnOf(rows: readonly Row[], name: string): unknown[] {
  return rows.map((row) => row[name]);
}

interface Table {
  name: string;
  columns: { name: string; type: string; notnull: 0 | 1; pk: number }[];
  references: { from: string; table: string; to: string }[];
}

let schema: Promise<Table[]> | null = null;

/** As SQLite tells it; the migrations make the same on every engine. Tables follow those that they refer to. */
function schemaOf(): Promise<Table[]> {
  schema ??= readSchema();
  return schema;
}

async function readSchema(): Promise<Table[]> {
  await using database = await sqliteDatabase();
  await using store = await database.open();
  const names = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like 'kysely%' order by rowid
  `.execute(store.db);
  const tables = names.rows.map(async ({ name }) => {
    const columns = await sql<Table["columns"][number]>`pragma table_info(${sql.table(name)})`.execute(store.db);
    const keys = await sql<Table["references"][number]>`pragma foreign_key_list(${sql.table(name)})`.execute(store.db);
    return { name, columns: columns.rows, references: keys.rows };
  });
  // The database must not be closed before all have been read.
  return await Promise.all(tables);
}

function untyped(db: Db): Kysely<Record<string, Row>> {
  return db as unknown as Kysely<Record<string, Row>>;
}

function randomRow({ columns, references }: Table, keys: ReadonlyMap<string, readonly unknown[]>): Row {
  const fields = columns.map(({ name, type, notnull, pk }) => {
    const reference = references.find(({ from }) => from === name);
    if (reference !== undefined) return [name, pick(keys.get(`${reference.table}.${reference.to}`) ?? [])];
    // SQLite would take null for a key, too.
    if (notnull === 0 && pk === 0 && randomInt(4) === 0) return [name, null];
    return [name, name === "id" ? randomUUID() : randomValue(type)];
  });
  return Object.fromEntries(fields) as Row;
}

function randomValue(type: string): unknown {
  switch (type) {
    case "bigint":
      return pick([0, 1, -1, randomInt(2 ** 47), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
    case "smallint":
      return randomInt(2);
    case "double precision":
      return pick([0, 0.1, -1e-300, 1.7976931348623157e308, Math.random()]);
    case "bytea":
      return randomBytes(randomInt(40_000));
    default:
      return pick([
        "",
        "'\"\\\n\t",
        "\u{1f600}\u0001\uffff",
        '{"a":"\\u0000"}',
        randomBytes(randomInt(500)).toString("base64"),
      ]);
  }
}

function pick<T>(values: readonly T[]): T | undefined {
  return values[randomInt(values.length)];
}

/** Engines give bytes in classes of their own. */
function comparable(row: Row): Row {
  const fields = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  ]);
  return Object.fromEntries(fields) as Row;
}
