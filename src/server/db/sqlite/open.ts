import { Kysely } from "kysely";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { MakimaError } from "../../../core/errors.ts";
import { migrate, refuseNewer } from "../migrate.ts";
import type { Tables } from "../tables.ts";
import { NodeSqliteDialect, openSqlite } from "./dialect.ts";

export interface SqliteFile {
  db: Kysely<Tables>;
  /** The migrations that it took to open it. */
  applied: string[];
}

/**
 * Opens the database, creating it (mode 0600) and bringing it up to this version's schema.
 * Throws `database_corrupt`, `database_newer` or `read_only`, each naming the file, and leaves the file as it was.
 */
export async function openSqliteFile(path: string): Promise<SqliteFile> {
  try {
    createFile(path);
    const database = openSqlite(path);
    try {
      refuseDamaged(database, path);
      refuseNewer(path, appliedMigrations(database));
      const db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(database) });
      return { db, applied: await migrate(db) };
    } catch (error) {
      if (database.isOpen) database.close();
      throw error;
    }
  } catch (error) {
    throw explainSqlite(error, path);
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

export function appliedMigrations(database: DatabaseSync): string[] {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'kysely_migration'").get();
  if (table === undefined) return [];
  return database
    .prepare("SELECT name FROM kysely_migration ORDER BY name")
    .all()
    .map(({ name }) => String(name));
}

/** Primary result codes of SQLite. */
const CORRUPT = [11, 26];
const READ_ONLY = [8, 14];
const FULL = 13;
const NO_WRITE = ["EACCES", "EPERM", "EROFS"];

/** What to throw instead of an error of SQLite or of the file system. */
export function explainSqlite(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const sqlite = resultCode(error);
  if (CORRUPT.includes(sqlite)) return corrupt(path, error.message);
  const readOnly = READ_ONLY.includes(sqlite) || ("code" in error && NO_WRITE.includes(String(error.code)));
  if (!readOnly) return error;
  return new MakimaError("read_only", `Cannot write the database ${path}: ${error.message}`, { cause: error });
}

/** There is no room for what is to be written. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && resultCode(error) === FULL;
}

/** Without its extended bits; 0 for an error that is not SQLite's. */
function resultCode(error: Error): number {
  return "errcode" in error ? Number(error.errcode) & 0xff : 0;
}

function corrupt(path: string, detail: string): MakimaError {
  return new MakimaError("database_corrupt", `The database ${path} is damaged: ${detail}`);
}
