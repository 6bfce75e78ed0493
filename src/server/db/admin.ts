import type { Kysely } from "kysely";
import { sql } from "kysely";
import { rename, stat } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import { exists } from "../../platform/files.ts";
import { clearTables, copyTable, tablesInOrder } from "./copy.ts";
import type { Progress, Row } from "./copy.ts";
import { missingMigrations } from "./migrate.ts";
import { appliedMigrations, openPatiently, preparePostgres } from "./postgres/open.ts";
import type { PostgresSource } from "./postgres/open.ts";
import { nameOf } from "./source.ts";
import type { DatabaseSource } from "./source.ts";
import { checkIntegrity, copySnapshot, exchangeDatabase, openSnapshot, writeDatabase } from "./sqlite/files.ts";
import { openSqliteFile } from "./sqlite/open.ts";
import type { Tables } from "./tables.ts";

/** Brings a database up to this version's schema, creating it where it is a file, and names the steps this took. */
export async function migrateDatabase(source: DatabaseSource): Promise<{ applied: string[] }> {
  if (source.kind === "postgres") return { applied: await preparePostgres(source) };
  const { db, applied } = await openSqliteFile(source.path);
  await db.destroy();
  return { applied };
}

/**
 * Makes `to` hold what the SQLite file `from` holds, in one transaction; gives the rows of each table. A server may be
 * writing `from` (what comes later is left out); none should be using `to`. Throws `conflict` where `to` has contracts or
 * tasks already, or `from` an older schema, and what opening them throws.
 */
export async function importDatabase({
  from,
  to,
  progress = () => {},
}: {
  from: string;
  to: DatabaseSource;
  progress?: Progress;
}): Promise<{ rows: Record<string, number> }> {
  using snapshot = openSnapshot(from);
  refuseOlder(from, snapshot.applied);
  const tables = tablesInOrder(snapshot.database);
  await using db = await openTarget(to);
  return await db.transaction().execute(async (tx) => {
    await refuseUsed(tx, nameOf(to));
    // A server that was started on it once has left keys.
    await clearTables(tx, tables);
    const rows: Record<string, number> = {};
    for (const table of tables) {
      const all = snapshot.database.prepare(`SELECT * FROM "${table}"`).iterate();
      rows[table] = await copyTable(tx, table, all, progress);
    }
    return { rows };
  });
}

/**
 * Writes the database, as it is at one moment while its servers go on, into a new SQLite file (mode 0600) that
 * importDatabase and restoreDatabase take. Throws `conflict` where the file exists, and what opening the source throws.
 */
export async function backupDatabase(source: DatabaseSource, file: string): Promise<{ bytes: number }> {
  await refuseExisting(file);
  const fill = source.kind === "sqlite" ? copyFile(source.path) : copyPostgres(source);
  await writeDatabase(file, fill, async (temporary) => {
    // It took a while; whoever made the file meanwhile wants to keep it.
    await refuseExisting(file);
    await rename(temporary, file);
  });
  return { bytes: (await stat(file)).size };
}

/**
 * Makes a backup the database. A SQLite database that exists is replaced only if told so, and kept under the name
 * `aside`; the caller makes sure that no server is using it. Throws `conflict`, `not_found`, `database_corrupt` or
 * `database_newer`, having changed nothing.
 */
export async function restoreDatabase(
  file: string,
  to: DatabaseSource,
  { replace = false }: { replace?: boolean } = {},
): Promise<{ aside: string | null }> {
  if (to.kind === "postgres") {
    await importDatabase({ from: file, to });
    return { aside: null };
  }
  const replaced = await exists(to.path);
  if (replaced && !replace) throw new MakimaError("conflict", `There is a database ${to.path} already`);
  const aside = replaced ? `${to.path}.replaced-${new Date(systemClock.now()).toISOString()}` : null;
  await writeDatabase(to.path, copyFile(file, { check: true }), (temporary) =>
    aside === null ? rename(temporary, to.path) : exchangeDatabase(to.path, temporary, aside),
  );
  return { aside };
}

async function openTarget(to: DatabaseSource): Promise<Kysely<Tables>> {
  if (to.kind === "sqlite") return (await openSqliteFile(to.path)).db;
  await preparePostgres(to);
  return openPatiently(to);
}

async function refuseUsed(db: Kysely<Tables>, name: string): Promise<void> {
  for (const table of ["contracts", "tasks"] as const) {
    const first = await db.selectFrom(table).select("id").limit(1).executeTakeFirst();
    if (first === undefined) continue;
    throw new MakimaError("conflict", `The ${name} has ${table} already`, {
      hint: "Import into a new, empty database.",
    });
  }
}

function refuseOlder(name: string, applied: readonly string[]): void {
  if (missingMigrations(applied).length === 0) return;
  throw new MakimaError("conflict", `The database ${name} has the schema of an older makima`, {
    hint: "Run `makima server migrate` on it first; on a copy of it, if it is a backup.",
  });
}

async function refuseExisting(file: string): Promise<void> {
  if (await exists(file)) throw new MakimaError("conflict", `There is a file ${file} already`);
}

function copyFile(from: string, { check = false } = {}): (path: string) => Promise<void> {
  return async (path) => {
    using snapshot = openSnapshot(from);
    if (check) checkIntegrity(snapshot, from);
    await copySnapshot(snapshot, path);
  };
}

/** The same schema, filled row by row. */
function copyPostgres(source: PostgresSource): (path: string) => Promise<void> {
  return async (path) => {
    await using from = await openPatiently(source);
    refuseOlder(nameOf(source), await appliedMigrations(from));
    await using target = (await openSqliteFile(path)).db;
    const tables = tablesOf(path);
    const reading = from.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
    await reading.execute(async (snapshot) => {
      await target.transaction().execute(async (tx) => {
        await clearTables(tx, tables);
        for (const table of tables) await copyTable(tx, table, rowsOf(snapshot, table), () => {});
      });
    });
  };
}

function tablesOf(path: string): string[] {
  using snapshot = openSnapshot(path);
  return tablesInOrder(snapshot.database);
}

/** Rows that are fetched at once: a chunk of output has up to 1 MiB, all others are small. */
const FETCHED = { chunks: 16, others: 500 };

async function* rowsOf(db: Kysely<Tables>, table: string): AsyncGenerator<Row> {
  const count = sql.lit(table === "chunks" ? FETCHED.chunks : FETCHED.others);
  await sql`declare rows_of_table no scroll cursor for select * from ${sql.table(table)}`.execute(db);
  for (;;) {
    const { rows } = await sql<Row>`fetch ${count} from rows_of_table`.execute(db);
    if (rows.length === 0) break;
    yield* rows;
  }
  await sql`close rows_of_table`.execute(db);
}
