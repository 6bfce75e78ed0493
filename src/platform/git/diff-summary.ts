import type { Git, GitLocation } from "./git.ts";

export interface SummarizedFile {
  /** Relative to the top level; of a renamed file its new place. */
  path: string;
  status: "added" | "modified" | "deleted" | "renamed" | "type-changed";
  /** null: a binary file. */
  insertions: number | null;
  deletions: number | null;
}

/** What differs between two commits or trees, file by file; a file that was moved, and hardly changed, is one. */
export async function summarizeDiff(git: Git, at: GitLocation, from: string, to: string): Promise<SummarizedFile[]> {
  const { stdout } = await git(at, [
    "diff-tree",
    ...OPTIONS,
    "-z",
    "--raw",
    "--numstat",
    "--no-abbrev",
    from,
    to,
    "--",
  ]);
  const fields = stdout.toString("utf8").split("\0");
  const statuses = new Map<string, SummarizedFile["status"]>();
  let position = 0;
  // `:<modes and ids> <status letter>`, the path, and after a rename the new path.
  while (fields[position]?.startsWith(":") === true) {
    const letter = fields[position]?.split(" ")[4]?.charAt(0) ?? "";
    const renamed = letter === "R";
    statuses.set(fields[position + (renamed ? 2 : 1)] ?? "", STATUSES[letter] ?? "modified");
    position += renamed ? 3 : 2;
  }
  const files: SummarizedFile[] = [];
  // `<insertions>TAB<deletions>TAB<path>`, or without the path, and then both paths of a rename.
  while (position + 1 < fields.length) {
    const [insertions = "", deletions = "", ...rest] = (fields[position] ?? "").split("\t");
    const renamed = rest.join("\t") === "";
    const path = renamed ? (fields[position + 2] ?? "") : rest.join("\t");
    const status = statuses.get(path) ?? "modified";
    files.push({ path, status, insertions: countOf(insertions), deletions: countOf(deletions) });
    position += renamed ? 3 : 1;
  }
  return files;
}

/** The diff of two commits or trees as `git diff` prints it, its first `maxBytes`. */
export async function diffText(
  git: Git,
  at: GitLocation,
  { from, to, maxBytes }: { from: string; to: string; maxBytes: number },
): Promise<{ text: Buffer; truncated: boolean }> {
  const args = ["diff-tree", ...OPTIONS, "--patch", "--no-color", from, to, "--"];
  const { stdout, truncated } = await git(at, args, { maxBytes });
  return { text: stdout, truncated };
}

/** A plumbing command, so that no preference of a person counts; and no program that a repository names is run. */
const OPTIONS = ["-r", "-M", "--no-ext-diff", "--no-textconv"];

const STATUSES: Record<string, SummarizedFile["status"]> = {
  A: "added",
  D: "deleted",
  R: "renamed",
  T: "type-changed",
};

/** git writes `-` for a binary file. */
function countOf(field: string): number | null {
  return field === "-" ? null : Number(field);
}
