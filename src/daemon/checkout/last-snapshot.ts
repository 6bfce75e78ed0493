import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { changedPaths } from "../../platform/git/diff.ts";
import type { Git } from "../../platform/git/git.ts";
import { NO_COMMIT, readHead } from "../../platform/git/refs.ts";
import { copyIndex, writeWorkTree } from "../../platform/git/work-tree.ts";
import type { WrittenTree } from "../../platform/git/work-tree.ts";
import { locationOf } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { specialEntries } from "./index-entries.ts";
import type { SpecialEntry } from "./index-entries.ts";
import { kindOf } from "./kinds.ts";
import { holdsOwnWork } from "./nested-repository.ts";
import { withWorkTree } from "./private-index.ts";
import type { Snapshot } from "./snapshot.ts";

/** The state of a checkout that is to go. */
export interface LastSnapshot extends Snapshot {
  /** Paths of repositories inside that hold something of their own: git records their commit, not what is in them. */
  nested: string[];
}

/**
 * The same as `snapshotTree`, but that nothing is left out because git was told to overlook it: a file so marked (`git
 * update-index --assume-unchanged`, `--skip-worktree`) need not be on the branch, and yet is work that would be lost.
 */
export async function lastSnapshot(git: Git, checkout: Checkout): Promise<LastSnapshot> {
  return kindOf(checkout).withGit(git, checkout, () =>
    withWorkTree(git, checkout, async ({ tree, complete, indexFile }) => {
      const { commit: head, ref } = await readHead(git, locationOf(checkout));
      const special = await specialEntries(git, { ...locationOf(checkout), indexFile });
      const overlooked = await overlookedPaths(checkout, special);
      const whole =
        overlooked.length === 0 ? { tree, complete } : await takeIn(git, checkout, { indexFile, overlooked });
      const nested = await nestedRepositories(git, checkout, { tree: whole.tree, head, special });
      return { ...whole, head, ref, nested };
    }),
  );
}

/** Of a sparse checkout most files are not there, which is no deletion. */
async function overlookedPaths({ dir }: Checkout, special: readonly SpecialEntry[]): Promise<string[]> {
  const paths: string[] = [];
  for (const { kind, path } of special) {
    const overlooked = kind === "assume-unchanged" || (kind === "skip-worktree" && (await isThere(join(dir, path))));
    if (overlooked) paths.push(path);
  }
  return paths;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Writes the tree anew by way of another index, in which these paths are not marked. */
async function takeIn(
  git: Git,
  checkout: Checkout,
  { indexFile, overlooked }: { indexFile: string; overlooked: readonly string[] },
): Promise<WrittenTree> {
  const copy = `${indexFile}-unmarked`;
  const at = { ...locationOf(checkout), indexFile: copy };
  try {
    await copyIndex(indexFile, copy);
    for (const mark of ["assume-unchanged", "skip-worktree"]) {
      await git(at, ["update-index", `--no-${mark}`, "-z", "--stdin"], { input: overlooked.join("\0") });
    }
    return await writeWorkTree(git, at);
  } finally {
    await rm(copy, { force: true });
    await rm(`${copy}.lock`, { force: true });
  }
}

/**
 * Those that HEAD does not have, for they are in no commit at all; of the others, such as submodules, those that hold more
 * than is recorded, or a commit that nobody else has.
 */
async function nestedRepositories(
  git: Git,
  checkout: Checkout,
  { tree, head, special }: { tree: string; head: string; special: readonly SpecialEntry[] },
): Promise<string[]> {
  const { dir, baseCommit } = checkout;
  const nested = await recordedSince(git, checkout, head === NO_COMMIT ? baseCommit : head, tree);
  const others = special.filter(({ kind, path }) => kind === "repository" && !nested.has(path));
  if (others.length === 0) return [...nested];
  const sinceBase = await recordedSince(git, checkout, baseCommit, tree);
  const within = locationOf(checkout).confinedTo;
  for (const { path, id } of others) {
    // What the base records is there for everybody who has the base.
    const known = sinceBase.has(path) ? [] : [id];
    if (await holdsOwnWork(git, { dir: join(dir, path), known, within })) nested.add(path);
  }
  return [...nested];
}

async function recordedSince(git: Git, checkout: Checkout, before: string, tree: string): Promise<Set<string>> {
  const changes = await changedPaths(git, locationOf(checkout), before, tree);
  return new Set(changes.filter(({ newMode }) => newMode === "160000").map(({ path }) => path));
}
