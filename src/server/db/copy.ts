import type { Kysely } from "kysely";
import type { DatabaseSync } from "node:sqlite";
import type { Tables } from "./tables.ts";

export type Row = Record<string, unknown>;

/** Called with the rows that a table has got so far. */
export type Progress = (table: string, rows: number) => void;

/** Of one statement, whatever they hold: a chunk of output has up to 1 MiB, and all of a batch is in memory. */
const BATCH_ROWS = 200;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Empties the tables, the last first. */
export async function clearTables(db: Kysely<Tables>, tables: readonly string[]): Promise<void> {
  for (const table of tables.toReversed()) await untyped(db).deleteFrom(table).execute();
}

/** Inserts all rows of a table, a bounded number of bytes at a time, and gives their number. */
export async function copyTable(
  db: Kysely<Tables>,
  table: string,
  rows: AsyncIterable<Row> | Iterable<Row>,
  progress: Progress,
): Promise<number> {
  let count = 0;
  for await (const batch of batchesOf(rows)) {
    await untyped(db).insertInto(table).values(batch).execute();
    count += batch.length;
    progress(table, count);
  }
  return count;
}

/** Copies are of whole tables, whichever there are. */
function untyped(db: Kysely<Tables>): Kysely<Record<string, Row>> {
  return db as unknown as Kysely<Record<string, Row>>;
}

async function* batchesOf(rows: AsyncIterable<Row> | Iterable<Row>): AsyncGenerator<Row[]> {
  let batch: Row[] = [];
  let bytes = 0;
  for await (const row of rows) {
    batch.push({ ...row });
    bytes += sizeOf(row);
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function sizeOf(row: Row): number {
  const sizes = Object.values(row).map((value) =>
    typeof value === "string" || value instanceof Uint8Array ? value.length : 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Makima's own tables in a SQLite database, each after those that it refers to. */
export function tablesInOrder(database: DatabaseSync): string[] {
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith("kysely_"));
  const ordered = new Set<string>();
  const add = (name: string): void => {
    for (const { table } of database.prepare(`PRAGMA foreign_key_list("${name}")`).all()) {
      if (table !== name) add(String(table));
    }
    ordered.add(name);
  };
  names.forEach(add);
  return [...ordered];
}
