import { MakimaError } from "../../core/errors.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";

/** Something in an index that is not simply a file. */
export interface SpecialEntry {
  path: string;
  /** Id of what is recorded. */
  id: string;
  /** `repository`: one inside, of which only the commit is recorded. The others: files that git was told not to look at. */
  kind: "repository" | "assume-unchanged" | "skip-worktree";
}

/** The special entries of an index, which may have millions of others. */
export async function specialEntries(git: Git, at: GitLocation): Promise<SpecialEntry[]> {
  const { stdout, truncated } = await git(at, ["ls-files", "-v", "--stage", "-z"], { maxBytes: MAX_LISTING });
  if (truncated) throw new MakimaError("conflict", `${at.cwd} has too many files for makima to look through`);
  const entries: SpecialEntry[] = [];
  for (let start = 0, end = stdout.indexOf(0); end >= 0; start = end + 1, end = stdout.indexOf(0, start)) {
    // `<tag> <mode> <id> <stage>`, a tab, the path; a tag in small letters says "assume unchanged".
    const kind = kindOf(stdout.toString("latin1", start, start + HEAD));
    if (kind === null) continue;
    const entry = stdout.toString("utf8", start, end);
    const [, id = ""] = /^\S+ \S+ (\S+) /.exec(entry) ?? [];
    entries.push({ kind, id, path: entry.slice(entry.indexOf("\t") + 1) });
  }
  return entries;
}

/** Bytes, enough for millions of files. */
const MAX_LISTING = 512 * 1024 * 1024;

/** Characters of an entry that tell of its kind: tag and mode. */
const HEAD = 8;

function kindOf(head: string): SpecialEntry["kind"] | null {
  if (head.endsWith("160000")) return "repository";
  if (/^[Ss]/.test(head)) return "skip-worktree";
  return /^[a-z]/.test(head) ? "assume-unchanged" : null;
}
