import { randomBytes } from "node:crypto";
import { openSync } from "node:fs";
import { access, chmod, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const PRIVATE_FILE = 0o600;
const PRIVATE_DIR = 0o700;

/**
 * Replaces a file so that a reader, or a start after a crash or a power cut, finds the old content or the new one, whole.
 * When the promise resolves, the new content is on the disk.
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = PRIVATE_FILE }: { mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeSynced(temporary, data, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Removes a file that `writeAtomic` writes, and before it what writes of it have left that were killed. Nobody may be
 * writing it; nothing there is no error.
 */
export async function removeAtomic(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(prefix) && TEMPORARY.test(name.slice(prefix.length))) {
      await rm(join(dirname(path), name), { force: true });
    }
  }
  await rm(path, { force: true });
}

/** What the name of a temporary file ends with. */
const TEMPORARY = /^[0-9a-f]{12}\.tmp$/;

/** The parsed content of a JSON file, for the caller to validate; undefined when there is no such file. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
  return JSON.parse(text) as unknown;
}

/** Makes the directory and its parents; the directory itself is closed to other users even when it was there before. */
export async function ensurePrivateDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PRIVATE_DIR });
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) await chmod(path, PRIVATE_DIR);
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** A descriptor for reading, the caller's to close; null when there is no such file. Synchronous: see FileTail. */
export function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

/** Whether a thrown value is the system error with this name, such as "ENOENT". */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

async function writeSynced(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, "wx", mode);
  await file.writeFile(data);
  await file.sync();
}

/** A rename is durable only when its directory is. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}
