import { accessSync, closeSync, constants, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { MakimaError } from "../core/errors.ts";
import { isErrno } from "./files.ts";

/** A lock that this process holds; released by `release`, by disposal, or by the kernel when the process dies. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
  release(): void;
}

/**
 * Takes the lock at `path` without waiting, creating the file (mode 0600) in its existing directory; null when another
 * process, or another owner in this one, holds it. Throws `read_only` where the file cannot be written.
 *
 * Node has no flock, so SQLite's exclusive transaction is the lock: a kernel lock on the file, which no kill -9 can leave
 * behind and no child process inherits. Nothing may open and close the file by other means while the lock is held: on
 * POSIX that would drop the lock.
 */
export async function acquireLock(path: string): Promise<Lock | null> {
  ensureWritableFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
  const release = () => {
    if (database.isOpen) database.close();
  };
  return { path, release, [Symbol.asyncDispose]: async () => release() };
}

/**
 * `wx` never opens a file that exists, so the lock of another owner in this process survives. On a file that is read-only
 * SQLite would grant the "exclusive" transaction to everyone, hence the access check.
 */
function ensureWritableFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw unwritable(path, error);
  }
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): unknown {
  if (!["EACCES", "EPERM", "EROFS"].some((code) => isErrno(error, code))) return error;
  return new MakimaError("read_only", `Cannot write ${path}`, { cause: error });
}

/** SQLITE_BUSY, with whatever extended bits it carries. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === 5;
}
