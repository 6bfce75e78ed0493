import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync, backup } from "node:sqlite";
import { MakimaError } from "../../../core/errors.ts";
import { exists, syncDirectory } from "../../../platform/files.ts";
import { refuseNewer } from "../migrate.ts";
import { appliedMigrations, explainSqlite } from "./open.ts";

/** What SQLite keeps beside a database that is in use, or was when its server was killed. */
const COMPANIONS = ["-wal", "-shm", "-journal"];

export interface Snapshot extends Disposable {
  readonly database: DatabaseSync;
  /** Its migrations, all of which this version knows. */
  readonly applied: readonly string[];
}

/**
 * An existing database as it is now, for reading; its server may go on writing. Throws `not_found`, `database_corrupt`
 * or `database_newer`.
 */
export function openSnapshot(path: string): Snapshot {
  if (!existsSync(path)) throw new MakimaError("not_found", `There is no file ${path}`);
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    database.exec("BEGIN");
    const applied = appliedMigrations(database);
    if (applied.length === 0) throw new MakimaError("not_found", `There is no database of makima in ${path}`);
    refuseNewer(path, applied);
    const close = () => database?.close();
    return { database, applied, [Symbol.dispose]: close };
  } catch (error) {
    database?.close();
    throw explainSqlite(error, path);
  }
}

/** Looks at every page and index. Throws `database_corrupt`. */
export function checkIntegrity({ database }: Snapshot, path: string): void {
  const [problem] = database.prepare("PRAGMA integrity_check(1)").all();
  const text = String(problem?.["integrity_check"]);
  if (text !== "ok") throw new MakimaError("database_corrupt", `The database ${path} is damaged: ${text}`);
}

/**
 * Makes a database file (mode 0600) that `fill` writes and `place` puts where it belongs, on the same file system as
 * `path`. It is then on the disk, whole, and needs no companions. When anything fails nothing is left of it.
 */
export async function writeDatabase(
  path: string,
  fill: (temporary: string) => Promise<void>,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await (await open(temporary, "wx", 0o600)).close();
    await fill(temporary);
    const database = new DatabaseSync(temporary);
    database.exec("PRAGMA journal_mode = DELETE");
    database.close();
    await syncFile(temporary);
    await place(temporary);
    await syncDirectory(dirname(path));
  } catch (error) {
    for (const suffix of ["", ...COMPANIONS]) await rm(temporary + suffix, { force: true });
    throw error;
  }
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}

/** Copies a snapshot into a file. In one step, on another thread: of several, each would start anew after a write. */
export async function copySnapshot({ database }: Snapshot, path: string): Promise<void> {
  await backup(database, path, { rate: ALL_PAGES });
}

const ALL_PAGES = 2 ** 31 - 1;

/**
 * Puts one database, that `writeDatabase` made, in the place of another, which is kept under the name `aside`. At every
 * moment the place holds one of them, whole.
 */
export async function exchangeDatabase(path: string, replacement: string, aside: string): Promise<void> {
  foldLog(path);
  await link(path, aside);
  // Only of a database too damaged to be opened: they must not be taken for the replacement's.
  for (const companion of COMPANIONS) {
    if (await exists(path + companion)) await rename(path + companion, aside + companion);
  }
  await rename(replacement, path);
}

/** Brings what a killed server left in the log into the database: SQLite does so when its last user closes it. */
function foldLog(path: string): void {
  try {
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      database.close();
    }
  } catch (error) {
    if (!isDamaged(error)) throw error;
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB: such a database is what people replace. */
function isDamaged(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && [11, 26].includes(Number(error.errcode) & 0xff);
}
