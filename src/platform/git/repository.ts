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
  /** Files that differ from HEAD: changed, deleted, or untracked and not ignored. */
  dirtyFiles: number;
}

/**
 * Looks at the repository that `dir` lies in, writing nothing. `base` is any name of a commit (default HEAD).
 * Throws `repository_invalid` (missing, no repository, bare, no commit yet) or `base_unknown`.
 */
export async function inspectRepository(git: Git, dir: string, base?: string): Promise<Repository> {
  await requireDirectory(dir);
  const { topLevel, commonDir } = await locate(git, dir);
  const at = { cwd: topLevel };
  const [baseCommit, dirtyFiles] = await both(
    base === undefined ? headCommit(git, at) : namedCommit(git, at, base),
    countDirtyFiles(git, at),
  );
  const baseName = base ?? (await headName(git, at)) ?? baseCommit.slice(0, 12);
  return { topLevel, commonDir, baseCommit, baseName, dirtyFiles };
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

async function locate(git: Git, dir: string): Promise<{ topLevel: string; commonDir: string }> {
  // `--show-toplevel` comes last: it fails where there is no work tree, after the other answers were printed.
  const questions = ["--is-bare-repository", "--is-inside-work-tree", "--git-common-dir", "--show-toplevel"];
  const result = await git({ cwd: dir }, ["rev-parse", "--path-format=absolute", ...questions], { accept: [128] });
  const [bare, inside, commonDir, topLevel, ...rest] = textOf(result).split("\n");
  if (result.exitCode === 0 && commonDir !== undefined && topLevel !== undefined && rest.length === 0) {
    return { topLevel, commonDir };
  }
  throw unusable(dir, result, { bare: bare === "true", inside: inside === "true" });
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
  // A leading dash is an option to git wherever one slips through, and no ref can have it or a control character.
  const plausible = base !== "" && !base.startsWith("-") && !/\p{Cc}/u.test(base);
  const commit = plausible ? await resolveCommit(git, at, base) : null;
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

async function countDirtyFiles(git: Git, at: GitLocation): Promise<number> {
  // No rename detection: every record is then one NUL-ended path.
  const args = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty"];
  const { stdout } = await git(at, args);
  return stdout.reduce((count, byte) => (byte === 0 ? count + 1 : count), 0);
}
