import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../../platform/files.ts";
import { runCommand } from "../../platform/process/command.ts";

/** Deletes what is at `path`, read-only directories included; nothing there is no error. Symbolic links are not followed. */
export async function removeTree(path: string): Promise<void> {
  try {
    await remove(path);
  } catch (error) {
    if (!isErrno(error, "EACCES") && !isErrno(error, "EPERM") && !isErrno(error, "ENOTEMPTY")) throw error;
    await openUp(path);
    await remove(path);
  }
}

/**
 * Lets the owner of a directory, and of all those in it, do there what they want: entries can be deleted only from a
 * directory that may be written. What is gone meanwhile is no error: a deletion that has failed somewhere is still under
 * way elsewhere.
 */
export async function openUp(dir: string): Promise<void> {
  try {
    const found = await lstat(dir);
    // Changing the mode of a link would change that of what it leads to.
    if (!found.isDirectory()) return;
    if ((found.mode & OWNER) !== OWNER) await chmod(dir, (found.mode & 0o777) | OWNER);
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) await openUp(join(dir, entry.name));
    }
  } catch (error) {
    if (!isErrno(error, "ENOENT") && !isErrno(error, "ENAMETOOLONG")) throw error;
  }
}

const OWNER = 0o700;

/**
 * Directories can be nested deeper than any path can name: whoever makes them goes from one to the next, and so does the
 * command.
 */
async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isErrno(error, "ENAMETOOLONG")) throw error;
    const limits = { timeoutMs: DEEP_TIMEOUT_MS, maxOutputBytes: MAX_COMPLAINT };
    const { exitCode, stderr } = await runCommand(["rm", "-rf", "--", path], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
      ...limits,
    });
    if (exitCode !== 0)
      throw new Error(`${path} cannot be deleted: ${stderr.toString("utf8").trim()}`, { cause: error });
  }
}

const DEEP_TIMEOUT_MS = 30 * 60_000;
const MAX_COMPLAINT = 1_000;
