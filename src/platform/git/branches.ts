import { MakimaError } from "../../core/errors.ts";
import { isRefName } from "../../core/ids.ts";
import { textOf } from "./git.ts";
import type { Git, GitLocation } from "./git.ts";

export interface Branch {
  /** Without `refs/heads/`. */
  name: string;
  commit: string;
  /** First line of the commit's message, cut at 200 UTF-16 units. */
  subject: string;
  /** Committer's time, ms since the epoch. */
  at: number;
}

const HEADS = "refs/heads/";

/** UTF-16 units of a subject. */
const MAX_SUBJECT = 200;

/** Full name of the ref that a branch is. Throws `invalid_request` for what git does not take for a branch's name. */
export function headRef(branch: string): string {
  if (isRefName(branch)) return `refs/heads/${branch}`;
  throw new MakimaError("invalid_request", `${JSON.stringify(branch)} is not the name of a branch`);
}

/** Branches whose names begin with `prefix`, those with the newest commits first. */
export async function listBranches(git: Git, at: GitLocation, prefix: string): Promise<Branch[]> {
  // git matches whole components of a name, and makes something else of wildcards.
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  const refs = await listRefs(git, at, /[*?[\\]/.test(folder) ? HEADS : `${HEADS}${folder}`);
  return refs.flatMap(({ ref, ...tip }) => {
    const name = ref.slice(HEADS.length);
    return name.startsWith(prefix) ? [{ name, ...tip }] : [];
  });
}

/** What refs below a folder (such as `refs/heads/`), or the one ref of that name, point at; the newest commits first. */
export async function listRefs(
  git: Git,
  at: GitLocation,
  folder: string,
): Promise<(Omit<Branch, "name"> & { ref: string })[]> {
  const format = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents:subject)";
  const { stdout } = await git(at, ["for-each-ref", "--sort=-committerdate", format, "--end-of-options", folder]);
  const lines = stdout.toString("utf8").split("\n");
  return lines.flatMap((line) => {
    const [ref = "", commit = "", seconds = "", subject = ""] = line.split("\0");
    if (line === "") return [];
    return [{ ref, commit, subject: subject.slice(0, MAX_SUBJECT).toWellFormed(), at: Number(seconds) * 1000 }];
  });
}

/** The work tree that has a branch (full name of its ref) checked out; null when none has. */
export async function checkedOutAt(git: Git, at: GitLocation, ref: string): Promise<string | null> {
  const path = textOf(await git(at, ["for-each-ref", "--format=%(worktreepath)", "--end-of-options", ref]));
  return path === "" ? null : path;
}
