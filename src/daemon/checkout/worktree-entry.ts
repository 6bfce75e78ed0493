import { readFile, readdir, realpath, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isErrno } from "../../platform/files.ts";
import { removeTree } from "./remove-tree.ts";

/**
 * The directory below the repository's `worktrees` that belongs to a checkout which git has just made. Read from the
 * checkout's `.git` file, so only to be trusted before anybody else had a chance to write there.
 */
export async function entryOf(dir: string): Promise<string> {
  const [, path] = /^gitdir: (.+)\n$/.exec(await readFile(join(dir, ".git"), "utf8")) ?? [];
  if (path === undefined) throw new Error(`${dir}/.git does not name a git directory`);
  return realpath(resolve(dir, path));
}

/**
 * Makes git forget the worktree at `dir`, as `git worktree prune` would, but for this one only: others may be the
 * person's, on a disk that is not plugged in.
 */
export async function forgetWorktree(commonDir: string, dir: string): Promise<void> {
  for (const name of await list(join(commonDir, "worktrees"))) {
    const entry = join(commonDir, "worktrees", name);
    const target = await gitFileOf(entry);
    if (target === join(dir, ".git")) await removeEntry(entry);
  }
}

/** Removes the entry of the worktree that was made at `dir`; one that a person has moved (`git worktree move`) is theirs. */
export async function removeEntryOf(dir: string, entry: string): Promise<void> {
  const target = await gitFileOf(entry);
  if (target === null || target === join(dir, ".git")) await removeEntry(entry);
}

/** Deletes one worktree's directory in the repository, and with the last one their common parent, as git does. */
async function removeEntry(entry: string): Promise<void> {
  await removeTree(entry);
  try {
    await rmdir(dirname(entry));
  } catch (error) {
    if (!isErrno(error, "ENOTEMPTY") && !isErrno(error, "EEXIST") && !isErrno(error, "ENOENT")) throw error;
  }
}

async function list(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** Path of the `.git` file that an entry belongs to; null when git had not come to write that down. */
async function gitFileOf(entry: string): Promise<string | null> {
  try {
    return resolve(entry, (await readFile(join(entry, "gitdir"), "utf8")).trimEnd());
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return null;
    throw error;
  }
}
