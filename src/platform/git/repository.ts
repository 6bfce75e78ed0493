import { stat } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { both } from "./both.ts";
import { textOf } from "./git.ts";
import type { Git, GitLocation, GitResult } from "./git.ts";
import { readBlobs } from "./objects.ts";

export interface Repository {
  /** Absolute path of the checkout's top level. */
  topLevel: string;
  /** Absolute path of the directory that all linked worktrees share. */
  commonDir: string;
  /** Full id of the commit to start from. */
  baseCommit: string;
  /** The base as people know it: what they named, else the branch checked out, else the abbreviated commit. */
  baseName: string;
  /** Where work that starts from it may go: the local branch that was named, else the one checked out; null: neither. */
  branch: string | null;
  /** Files that differ from HEAD: changed, deleted, or untracked and not ignored. */
  dirtyFiles: number;
}

/**
 * Looks at the repository that `dir` lies in, writing nothing. `base` is any name of a commit (default HEAD).
 * Throws `repository_invalid` (missing, no repository, bare, no commit yet) or `base_unknown`.
 */
export async function inspectRepository(git: Git, dir: string, base?: string): Promise<Repository> {
  const { topLevel, commonDir } = await locateRepository(git, dir);
  const at = { cwd: topLevel };
  const [baseCommit, dirtyFiles] = await both(
    base === undefined ? headCommit(git, at) : namedCommit(git, at, base),
    countDirtyFiles(git, at),
  );
  const head = await headName(git, at);
  const branch = base !== undefined && (await isBranch(git, at, base)) ? base : head;
  return { topLevel, commonDir, baseCommit, baseName: base ?? head ?? baseCommit.slice(0, 12), branch, dirtyFiles };
}

/** Where the repository is that `dir` lies in. Throws `repository_invalid`: missing, no repository, or a bare one. */
export async function locateRepository(git: Git, dir: string): Promise<Pick<Repository, "topLevel" | "commonDir">> {
  await requireDirectory(dir);
  // `--show-toplevel` comes last: it fails where there is no work tree, after the other answers were printed.
  const questions = ["--is-bare-repository", "--is-inside-work-tree", "--git-common-dir", "--show-toplevel"];
  const result = await git({ cwd: dir }, ["rev-parse", "--path-format=absolute", ...questions], { accept: [128] });
  const [bare, inside, commonDir, topLevel, ...rest] = textOf(result).split("\n");
  if (result.exitCode === 0 && commonDir !== undefined && topLevel !== undefined && rest.length === 0) {
    return { topLevel, commonDir };
  }
  throw unusable(dir, result, { bare: bare === "true", inside: inside === "true" });
}

/** The commit that has a name (branch, tag, id, or an expression such as `main~2`); null when none has it. */
export async function findCommit(git: Git, at: GitLocation, name: string): Promise<string | null> {
  // A leading dash is an option to git wherever one slips through, and no ref can have it or a control character.
  const plausible = name !== "" && !name.startsWith("-") && !/\p{Cc}/u.test(name);
  return plausible ? resolveCommit(git, at, name) : null;
}

/** Content of the file at `path` (relative to the top level) in a commit; null when there is none. */
export async function readFileAt(git: Git, at: GitLocation, commit: string, path: string): Promise<Buffer | null> {
  const [content] = await readBlobs(git, at, [`${commit}:${path}`]);
  return content ?? null;
}

async function requireDirectory(dir: string): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return;
  } catch {
    throw new MakimaError("repository_invalid", `There is no directory ${dir}`);
  }
  throw new MakimaError("repository_invalid", `${dir} is not a directory`);
}

function unusable(dir: string, result: GitResult, found: { bare: boolean; inside: boolean }): MakimaError {
  if (found.bare) {
    const hint = "Clone it, and run makima in the clone.";
    return new MakimaError("repository_invalid", `${dir} is a bare repository: it has no checkout`, { hint });
  }
  if (/dubious ownership/.test(result.stderr)) {
    const hint = `If you trust it: git config --global --add safe.directory ${dir}`;
    return new MakimaError("repository_invalid", `${dir} belongs to another user, so git refuses to use it`, { hint });
  }
  if (found.inside) return new MakimaError("repository_invalid", `${dir} has a line break in its path`);
  if (/not a git repository/.test(result.stderr)) {
    return new MakimaError("repository_invalid", `${dir} is not in a git repository`);
  }
  return new MakimaError("repository_invalid", `${dir} is not inside a checkout of a git repository`);
}

async function headCommit(git: Git, at: GitLocation): Promise<string> {
  const commit = await resolveCommit(git, at, "HEAD");
  if (commit !== null) return commit;
  throw new MakimaError("repository_invalid", `The repository ${at.cwd} has no commit yet`, {
    hint: 'Make a first one: git add -A && git commit -m "First commit"',
  });
}

async function namedCommit(git: Git, at: GitLocation, base: string): Promise<string> {
  const commit = await findCommit(git, at, base);
  if (commit !== null) return commit;
  throw new MakimaError("base_unknown", `No commit is called ${JSON.stringify(base)} in ${at.cwd}`);
}

async function resolveCommit(git: Git, at: GitLocation, name: string): Promise<string | null> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
  const result = await git(at, args, { accept: [1, 128] });
  return result.exitCode === 0 ? textOf(result) : null;
}

async function headName(git: Git, at: GitLocation): Promise<string | null> {
  const result = await git(at, ["symbolic-ref", "--quiet", "--short", "HEAD"], { accept: [1] });
  return result.exitCode === 0 ? textOf(result) : null;
}

async function isBranch(git: Git, at: GitLocation, name: string): Promise<boolean> {
  // To the letter: `main^` is a commit, and no branch.
  const args = ["show-ref", "--verify", "--quiet", "--", `refs/heads/${name}`];
  return (await git(at, args, { accept: [1, 128] })).exitCode === 0;
}

async function countDirtyFiles(git: Git, at: GitLocation): Promise<number> {
  // No rename detection: every record is then one NUL-ended path.
  const args = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty"];
  const { stdout } = await git(at, args);
  return stdout.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
}
