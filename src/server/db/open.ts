import { Kysely, Migrator } from "kysely";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { MakimaError } from "../../core/errors.ts";
import { MIGRATIONS, migrationProvider } from "./migrations.ts";
import { NodeSqliteDialect, openSqlite } from "./sqlite.ts";
import type { Tables } from "./tables.ts";

/**
 * Opens the database, creating it (mode 0600) and bringing it up to this version's schema.
 * Throws `database_corrupt`, `database_newer` or `read_only`, each naming the file, and leaves the file as it was.
 */
export async function openDatabase(path: string): Promise<Kysely<Tables>> {
  try {
    createFile(path);
    const database = openSqlite(path);
    try {
      refuseDamaged(database, path);
      refuseNewer(database, path);
      const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) });
      await migrate(db);
      return db;
    } catch (error) {
      if (database.isOpen) database.close();
      throw error;
    }
  } catch (error) {
    throw explain(error, path);
  }
}

/** Before SQLite does it with wider permissions; its -wal and -shm files take over the mode of the main file. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
}

/** Tables that grow with every line of output: looking through them would make the start as slow as history is long. */
const NOT_CHECKED = ["chunks", "changes"];

function refuseDamaged(database: DatabaseSync, path: string): void {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  for (const { name } of tables) {
    if (NOT_CHECKED.includes(String(name))) continue;
    const problems = database.prepare(`PRAGMA quick_check("${String(name)}")`).all();
    const first = problems[0]?.["quick_check"];
    if (first !== "ok") throw corrupt(path, String(first));
  }
}

function refuseNewer(database: DatabaseSync, path: string): void {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'").get();
  if (table === undefined) return;
  const applied = database.prepare("SELECT name FROM kysely_migration").all();
  const unknown = applied.map(({ name }) => String(name)).filter((name) => !Object.hasOwn(MIGRATIONS, name));
  if (unknown.length === 0) return;
  throw new MakimaError("database_newer", `${path} is from a newer makima (it has ${unknown.join(", ")})`);
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  const { error } = await new Migrator({ db, provider: migrationProvider }).migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error("migration failed", { cause: error });
}

/** Primary result codes of SQLite, without their extended bits. */
const CORRUPT = [11, 26];
const READ_ONLY = [8, 14];
const NO_WRITE = ["EACCES", "EPERM", "EROFS"];

function explain(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const sqlite = "errcode" in error ? Number(error.errcode) & 0xff : 0;
  if (CORRUPT.includes(sqlite)) return corrupt(path, error.message);
  const readOnly = READ_ONLY.includes(sqlite) || ("code" in error && NO_WRITE.includes(String(error.code)));
  if (!readOnly) return error;
  return new MakimaError("read_only", `Cannot write the database ${path}: ${error.message}`, { cause: error });
}

function corrupt(path: string, detail: string): MakimaError {
  return new MakimaError("database_corrupt", `The database ${path} is damaged: ${detail}`);
}
