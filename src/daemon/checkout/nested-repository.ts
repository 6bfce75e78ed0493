import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";

/**
 * Whether a repository inside a checkout, or what is at its place, holds what is nowhere else: files that are not
 * committed, or commits that are on none of its remote branches. `known`: commits that need not be. Where git cannot say,
 * it may hold something. `within`: the checkout, if git is to be confined to it.
 */
export async function holdsOwnWork(
  git: Git,
  { dir, known, within }: { dir: string; known: readonly string[]; within: string | undefined },
): Promise<boolean> {
  // git takes in nothing of a directory that is recorded as a repository, whatever is in it.
  if (!(await isThere(join(dir, ".git")))) return (await namesIn(dir)).length > 0;
  const confined = within === undefined ? {} : { confinedTo: within };
  const at: GitLocation = { cwd: dir, gitDir: join(dir, ".git"), workTree: dir, ...confined };
  const status = ["status", "--porcelain", "--untracked-files=all", "--ignore-submodules=none"];
  const loose = ["rev-list", "--max-count=1", "HEAD", "--branches", STASHES, "--not", "--remotes", ...known];
  try {
    return (await printsAnything(git, at, status)) || (await printsAnything(git, at, loose));
  } catch (error) {
    if (error instanceof MakimaError && error.code === "git_failed") return true;
    throw error;
  }
}

/** Without a wildcard git would look below the name. */
const STASHES = "--glob=refs/stas[h]";

async function printsAnything(git: Git, at: GitLocation, args: readonly string[]): Promise<boolean> {
  const { stdout } = await git(at, args, { maxBytes: 1 });
  return stdout.length > 0;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return false;
    throw error;
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}
