import { isUtf8 } from "node:buffer";
import { textOf } from "./git.ts";
import type { Git, GitLocation } from "./git.ts";
import { readBlobs, readSizes } from "./objects.ts";

export type FileStatus = "added" | "modified" | "deleted";

export interface ChangedPath {
  /** Relative to the top level. */
  path: string;
  /** A rename is a deletion and an addition; a file that became a link, or executable, is modified. */
  status: FileStatus;
  /** Octal, as git writes them, `000000` where there is no file; `160000` is a nested repository. */
  newMode: string;
  oldId: string;
  newId: string;
}

/** Texts are null where there is no file or no UTF-8 text under 256 KiB, and past the first 500 files or 32 MiB. */
export interface FileChange {
  path: string;
  status: FileStatus;
  oldText: string | null;
  newText: string | null;
}

export interface DiffStat {
  files: number;
  insertions: number;
  deletions: number;
  /** For people: a line per file (the first 40) and a closing line. */
  text: string;
}

/** Paths that differ between two commits or trees. */
export async function changedPaths(git: Git, at: GitLocation, from: string, to: string): Promise<ChangedPath[]> {
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", from, to, "--"];
  const { stdout } = await git(at, args);
  const fields = stdout.toString("utf8").split("\0");
  const changes: ChangedPath[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    // `:<old mode> <new mode> <old id> <new id> <status letter>`, then the path.
    const [, newMode = "", oldId = "", newId = "", letter = ""] = (fields[index] ?? "").split(" ");
    changes.push({ path: fields[index + 1] ?? "", status: STATUSES[letter] ?? "modified", newMode, oldId, newId });
  }
  return changes;
}

/** Files that differ between two commits or trees, with their texts. */
export async function diffFiles(git: Git, at: GitLocation, from: string, to: string): Promise<FileChange[]> {
  const changes = await changedPaths(git, at, from, to);
  const wanted = changes.slice(0, MAX_FILES_WITH_TEXTS).flatMap(({ oldId, newId }) => [oldId, newId]);
  const texts = await readTexts(git, at, wanted);
  return changes.map(({ path, status, oldId, newId }) => ({
    path,
    status,
    oldText: texts.get(oldId) ?? null,
    newText: texts.get(newId) ?? null,
  }));
}

/** How much differs between two commits or trees. */
export async function diffStat(git: Git, at: GitLocation, from: string, to: string): Promise<DiffStat> {
  const args = [
    "diff-tree",
    "-r",
    "-M",
    "--stat=100",
    "--stat-count=40",
    "--no-ext-diff",
    "--no-textconv",
    from,
    to,
    "--",
  ];
  const text = textOf(await git(at, args));
  const summary = text.slice(text.lastIndexOf("\n") + 1);
  return {
    files: countIn(summary, /(\d+) files? changed/),
    insertions: countIn(summary, /(\d+) insertions?\(/),
    deletions: countIn(summary, /(\d+) deletions?\(/),
    text,
  };
}

const STATUSES: Record<string, FileStatus> = { A: "added", D: "deleted" };
const MAX_FILES_WITH_TEXTS = 500;
const MAX_TEXT_BYTES = 256 * 1024;
const MAX_ALL_TEXTS_BYTES = 32 * 1024 * 1024;
const NO_OBJECT = /^0+$/;

/** Texts by blob id. Sizes come first: a huge file must never be read whole to be thrown away. */
async function readTexts(git: Git, at: GitLocation, ids: string[]): Promise<Map<string, string>> {
  const known = [...new Set(ids)].filter((id) => !NO_OBJECT.test(id));
  const sizes = await readSizes(git, at, known);
  let total = 0;
  const small = known.filter((_, index) => {
    const size = sizes[index] ?? Infinity;
    if (size >= MAX_TEXT_BYTES || total + size > MAX_ALL_TEXTS_BYTES) return false;
    total += size;
    return true;
  });
  const contents = await readBlobs(git, at, small);
  return new Map(
    small.flatMap((id, index) => {
      const content = contents[index];
      return content && isText(content) ? [[id, content.toString("utf8")] as const] : [];
    }),
  );
}

function isText(content: Buffer): boolean {
  return !content.includes(0) && isUtf8(content);
}

function countIn(summary: string, pattern: RegExp): number {
  return Number(pattern.exec(summary)?.[1] ?? 0);
}
