import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../../platform/files.ts";

/** Deletes what is at `path`, read-only directories included; nothing there is no error. Symbolic links are not followed. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isErrno(error, "EACCES") && !isErrno(error, "EPERM") && !isErrno(error, "ENOTEMPTY")) throw error;
    await openUp(path);
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * Entries can be deleted only from a directory that its owner may write. What is gone meanwhile is no error: a deletion that
 * has failed somewhere is still under way elsewhere.
 */
async function openUp(dir: string): Promise<void> {
  try {
    await chmod(dir, 0o700);
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) await openUp(join(dir, entry.name));
    }
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
