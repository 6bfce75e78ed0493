import { textOf } from "./git.ts";
import type { Git, GitLocation } from "./git.ts";

export interface TreeEntry {
  /** `commit`: a submodule. */
  type: "blob" | "tree" | "commit";
  id: string;
}

/** What lies at `path` (relative to the top level) in a commit; null when nothing does. */
export async function readTreeEntry(
  git: Git,
  at: GitLocation,
  commit: string,
  path: string,
): Promise<TreeEntry | null> {
  const { stdout } = await git(at, ["ls-tree", "-z", "--full-tree", "--end-of-options", commit, "--", path]);
  const [, type, id] = /^\d+ (blob|tree|commit) ([0-9a-f]+)\t/.exec(stdout.toString("utf8")) ?? [];
  return type === undefined || id === undefined ? null : { type: type as TreeEntry["type"], id };
}

/** The first `maxBytes` of a blob, and the size of the whole. */
export async function readBlob(
  git: Git,
  at: GitLocation,
  id: string,
  maxBytes: number,
): Promise<{ content: Buffer; size: number }> {
  const size = Number(textOf(await git(at, ["cat-file", "-s", id])));
  const { stdout } = await git(at, ["cat-file", "blob", id], { maxBytes });
  return { content: stdout, size };
}
