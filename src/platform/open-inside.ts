import { constants } from "node:fs";
import { lstat, open, readlink, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "./files.ts";

/**
 * Why something is not opened. `outside`: a link leads out of the directory. `special`: a FIFO, a socket, a device.
 * `unreadable`: its owner has closed it.
 */
export type NotOpened = "missing" | "outside" | "directory" | "special" | "unreadable";

/**
 * Opens the regular file at `path` below `dir` for reading, whatever somebody who can write there does meanwhile: links
 * are followed only as long as they stay below `dir`, and outside of `hidden`, one of its entries. Nothing but regular
 * files is even opened, so nothing hangs. `dir` is a real path.
 */
export async function openInside(
  dir: string,
  path: string,
  hidden: string | null = null,
): Promise<FileHandle | NotOpened> {
  try {
    const place = await realpath(join(dir, path));
    if (!isInside(place, dir, hidden)) return "outside";
    const kind = await lstat(place);
    if (!kind.isFile()) return kind.isDirectory() ? "directory" : "special";
    return await openRegular(place, dir, hidden);
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return "missing";
    if (isErrno(error, "ELOOP")) return "outside";
    if (isErrno(error, "EACCES")) return "unreadable";
    throw error;
  }
}

/** What was looked at may be something else by now: what was opened is looked at again. */
async function openRegular(place: string, dir: string, hidden: string | null): Promise<FileHandle | NotOpened> {
  // A FIFO would otherwise wait for somebody to write.
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const inside = isInside(await placeOf(file, place), dir, hidden);
    if (inside && (await file.stat()).isFile()) return file;
    await file.close();
    return inside ? "special" : "outside";
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where an open file really lies. Where the system does not tell, the path is followed once more. */
async function placeOf(file: FileHandle, path: string): Promise<string> {
  return readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(path));
}

function isInside(place: string, dir: string, hidden: string | null): boolean {
  if (!place.startsWith(`${dir}/`)) return false;
  if (hidden === null) return true;
  const entry = join(dir, hidden);
  return place !== entry && !place.startsWith(`${entry}/`);
}
