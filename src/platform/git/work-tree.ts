import { createWriteStream } from "node:fs";
import { copyFile, stat, utimes } from "node:fs/promises";
import { relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { isErrno } from "../files.ts";
import { openInside } from "../open-inside.ts";
import { textOf } from "./git.ts";
import type { Git, GitLocation } from "./git.ts";

export interface WrittenTree {
  tree: string;
  /** False when git could not take in everything, such as a nested repository without a commit. */
  complete: boolean;
}

/**
 * Brings the index named by `at.indexFile` up to date with the whole work tree (tracked, untracked, not ignored) and
 * writes it as a tree. The cost is a stat of every file and a hash of those that changed. `known` is the tree that the
 * index holds, where that is known: if nothing changed since, it is the answer, and one process was enough.
 */
export async function writeWorkTree(
  git: Git,
  at: GitLocation & { indexFile: string },
  known: string | null = null,
): Promise<WrittenTree> {
  // One file that cannot be read must not hide the rest: exit code 1 then says that something was passed over.
  // --verbose names what differs from the index, --sparse takes in what lies outside of a sparse checkout and is there.
  const added = await git(at, ["add", "--all", "--sparse", "--ignore-errors", "--verbose"], { accept: [1] });
  const same = known !== null && added.stdout.length === 0;
  const tree = same ? known : textOf(await git(at, ["write-tree"]));
  return { tree, complete: added.exitCode === 0 };
}

/**
 * Copies an index; false when there is none to copy. `within`: the checkout of somebody who is not trusted, outside of
 * which nothing is read.
 */
export async function copyIndex(from: string, to: string, within?: string): Promise<boolean> {
  try {
    const { atime, mtimeMs } = await stat(from);
    if (within === undefined) await copyFile(from, to);
    else if (!(await copyInside(within, from, to))) return false;
    // git trusts an entry only if the file is older than the index. A copy that looks newer than its original would
    // have it trust entries that it should compare; one that looks older only costs a comparison.
    await utimes(to, atime, Math.floor(mtimeMs / 1000));
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT") || (within !== undefined && LED_ASTRAY.some((code) => isErrno(error, code))))
      return false;
    throw error;
  }
}

/** A link leads to nothing that can be looked at. */
const LED_ASTRAY = ["ELOOP", "EACCES"];

async function copyInside(within: string, from: string, to: string): Promise<boolean> {
  const opened = await openInside(within, relative(within, from));
  if (typeof opened === "string") return false;
  await using source = opened;
  if ((await source.stat()).size > MAX_INDEX_BYTES) return false;
  await pipeline(source.createReadStream({ end: MAX_INDEX_BYTES }), createWriteStream(to));
  return true;
}

/** Enough for ten million files. Where an index is larger, git makes a new one. */
const MAX_INDEX_BYTES = 1024 * 1024 * 1024;
