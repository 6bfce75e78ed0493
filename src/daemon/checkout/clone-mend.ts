import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import { NO_COMMIT, readHead, readRef } from "../../platform/git/refs.ts";
import { locationOf, repositoryAt } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { makeGitDirectory } from "./clone-directory.ts";
import { importedRef } from "./import.ts";

/** Where git directories go that an agent has broken, until the checkout is removed. */
export function brokenDirectory(dir: string): string {
  return `${dir}.broken`;
}

/**
 * Does work that needs git in a clone whose `.git` is the agent's. Where that is of no use any more, it is put aside and
 * made anew on what was last imported: every file is still there then, and what was committed since is a change.
 */
export async function withUsableGit<T>(git: Git, clone: Checkout, work: () => Promise<T>): Promise<T> {
  if (!(await isSound(clone))) await rebuild(git, clone);
  try {
    return await work();
  } catch (error) {
    const byGit = error instanceof MakimaError && error.code === "git_failed";
    if (!byGit || (await isUsable(git, clone))) throw error;
    await rebuild(git, clone);
    return work();
  }
}

/**
 * Whether everything that git opens before all else is what it should be, by its kind alone: git would follow a link to
 * another repository, and wait for ever at a FIFO.
 */
export async function isSound({ gitDir, branch }: Checkout): Promise<boolean> {
  const steps = `refs/heads/${branch}`.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const looks = [
    ...[".", "objects", "refs"].map((path) => isA(gitDir, path, { kind: "directory", required: true })),
    ...["HEAD", "config"].map((path) => isA(gitDir, path, { kind: "file", required: true })),
    ...[...DIRECTORIES, ...steps.slice(0, -1)].map((path) => isA(gitDir, path, { kind: "directory", required: false })),
    ...[...FILES, ...steps.slice(-1)].map((path) => isA(gitDir, path, { kind: "file", required: false })),
  ];
  return (await Promise.all(looks)).every(Boolean);
}

const DIRECTORIES = ["info", "objects/info", "objects/pack", "refs/tags"];
const FILES = [
  "packed-refs",
  "shallow",
  "info/exclude",
  "info/attributes",
  "info/grafts",
  "objects/info/alternates",
  "objects/info/commit-graph",
  "objects/pack/multi-pack-index",
];

async function isA(
  gitDir: string,
  path: string,
  { kind, required }: { kind: "file" | "directory"; required: boolean },
): Promise<boolean> {
  try {
    const found = await lstat(join(gitDir, path));
    return kind === "file" ? found.isFile() : found.isDirectory();
  } catch (error) {
    // A directory that nobody may enter is of no use either.
    return isErrno(error, "ENOENT") && !required;
  }
}

/** Whether HEAD is at a commit, and git finds everything in it. Where HEAD is at nothing, there is nothing to find. */
async function isUsable(git: Git, clone: Checkout): Promise<boolean> {
  const at = locationOf(clone);
  try {
    const { commit } = await readHead(git, at);
    if (commit === NO_COMMIT) return true;
    // A tag or a tree in its place lets git do this and that, but no commit can follow it.
    if ((await readRef(git, at, commit)) !== commit) return false;
    await git(at, ["rev-list", "--objects", "--no-walk", "--quiet", commit]);
    return true;
  } catch (error) {
    if (error instanceof MakimaError && error.code === "git_failed") return false;
    throw error;
  }
}

async function rebuild(git: Git, clone: Checkout): Promise<void> {
  await putAside(clone);
  const { dir, commonDir, branch, start } = clone;
  const imported = await readRef(git, repositoryAt(clone), importedRef(clone));
  await makeGitDirectory(git, dir, { commonDir, branch, commit: imported === NO_COMMIT ? start : imported });
  await git(locationOf(clone), ["read-tree", "HEAD"]);
}

/** Renaming takes the thing itself and follows nothing, whatever it is. */
async function putAside({ dir, gitDir }: Checkout): Promise<void> {
  const aside = join(brokenDirectory(dir), randomUUID());
  await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
  try {
    // Moving a directory to another parent changes its `..`, which takes write permission on the directory itself.
    if ((await lstat(gitDir)).isDirectory()) await chmod(gitDir, 0o700);
    await rename(gitDir, aside);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
