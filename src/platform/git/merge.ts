import { MakimaError } from "../../core/errors.ts";
import type { Git, GitLocation } from "./git.ts";

export interface MergedTrees {
  /** null: they conflict. */
  tree: string | null;
  conflicts: MergeConflict[];
}

export interface MergeConflict {
  /** Relative to the top level; where two things want the same place, with git's addition, such as `lib~theirs`. */
  path: string;
  /** git's word: `contents`, `modify/delete`, `add/add`, `rename/delete`, `binary`, ... */
  kind: string;
}

/**
 * Merges two commits by their histories into a tree, in the object store alone: no index, no work tree and no ref is
 * touched. A file that conflicts in several ways is listed with the first that git names.
 */
export async function mergeTrees(git: Git, at: GitLocation, ours: string, theirs: string): Promise<MergedTrees> {
  const args = ["merge-tree", "--write-tree", "--messages", "-z", "--end-of-options", ours, theirs];
  const { exitCode, stdout, stderr } = await git(at, args, { accept: [1] });
  const fields = stdout.toString("utf8").split("\0");
  const [tree = ""] = fields;
  // The exit code of a conflict is also that of a commit that is not there, of which git prints nothing but a complaint.
  if (tree === "") throw new MakimaError("git_failed", `git merge-tree failed: ${stderr.trim()}`);
  if (exitCode === 0) return { tree, conflicts: [] };
  return { tree: null, conflicts: conflictsIn(fields.slice(1)) };
}

/**
 * `<mode> <id> <stage>TAB<path>` for each version of each file in conflict, an empty field, then for each message: the
 * number of its paths, the paths, its type, its words.
 */
function conflictsIn(fields: readonly string[]): MergeConflict[] {
  const end = fields.indexOf("");
  const staged = new Set(fields.slice(0, end).map((field) => field.slice(field.indexOf("\t") + 1)));
  const kinds = new Map<string, string>();
  for (const { paths, kind } of messagesIn(fields.slice(end + 1))) {
    const inConflict = paths.filter((path) => staged.has(path));
    // A message may be of a directory, or of a file that is whole: then its first path is what it is about.
    for (const path of inConflict.length > 0 ? inConflict : paths.slice(0, 1)) {
      if (!kinds.has(path)) kinds.set(path, kind);
    }
  }
  for (const path of staged) if (!kinds.has(path)) kinds.set(path, "contents");
  return [...kinds].map(([path, kind]) => ({ path, kind }));
}

function* messagesIn(fields: readonly string[]): Generator<{ paths: string[]; kind: string }> {
  for (let position = 0; position < fields.length;) {
    const count = Number(fields[position]);
    // The list ends with an empty field.
    if (fields[position] === "" || !Number.isInteger(count)) return;
    const words = position + 1 + count;
    const [type = "", text = ""] = fields.slice(words, words + 2);
    const kind = kindOf(type, text);
    if (kind !== null) yield { paths: fields.slice(position + 1, words), kind };
    position = words + 2;
  }
}

/** null: the message is no conflict. Of files that both sides added, only the words say so. */
function kindOf(type: string, text: string): string | null {
  const [, kind] = /^CONFLICT \((.+)\)$/.exec(type) ?? [];
  if (kind === undefined) return null;
  return kind === "contents" && text.startsWith("CONFLICT (add/add)") ? "add/add" : kind;
}
