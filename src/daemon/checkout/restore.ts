import { rm } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { changedPaths } from "../../platform/git/diff.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";
import { NO_COMMIT, moveRef, readHead, readRef } from "../../platform/git/refs.ts";
import { copyIndex } from "../../platform/git/work-tree.ts";
import { branchRef, locationOf } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { withWorkTree } from "./private-index.ts";

/**
 * Puts every file of `tree` (an earlier snapshot's) that was changed or deleted since back as it was, and returns their
 * paths. Files that came in since stay: a check may have built what the next one needs.
 */
export async function restoreTracked(git: Git, checkout: Checkout, tree: string): Promise<string[]> {
  return withWorkTree(git, checkout, async (now) => {
    const changes = await changedPaths(git, locationOf(checkout), tree, now.tree);
    const touched = changes.filter(({ status }) => status !== "added").map(({ path }) => path);
    if (touched.length === 0) return [];
    await withIndexOf(git, checkout, { tree, indexFile: now.indexFile }, async (at) => {
      await git(at, ["checkout-index", "--all", "--force", "--quiet"]);
    });
    return touched;
  });
}

/**
 * Deletes the files that came in since `tree` (untracked, not ignored), so that with `restoreTracked` the checkout is
 * what was judged: what checks leave lying about must not end up in a commit.
 */
export async function removeAdded(git: Git, checkout: Checkout, tree: string): Promise<void> {
  await withWorkTree(git, checkout, async (now) => {
    if (now.tree === tree) return;
    await withIndexOf(git, checkout, { tree, indexFile: now.indexFile }, async (at) => {
      await git(at, ["clean", "-d", "--force", "--quiet"]);
    });
  });
}

/**
 * Puts HEAD back to the commit of an earlier snapshot, files untouched; false when it is there already. Of branches
 * only the task's is moved, by compare-and-swap: from any other, HEAD is taken away.
 */
export async function resetHead(git: Git, checkout: Checkout, head: string): Promise<boolean> {
  const at = locationOf(checkout);
  const now = await readHead(git, at);
  if (now.commit === head || head === NO_COMMIT) return false;
  const message = "makima: HEAD was moved by a check";
  const ref = branchRef(checkout);
  if (now.ref === ref) {
    const moved = await moveRef(git, at, { ref, to: head, from: now.commit, message });
    if (!moved) throw new MakimaError("conflict", `The branch ${checkout.branch} is being moved by another program`);
  } else if ((await readRef(git, at, ref)) === head) {
    await git(at, ["symbolic-ref", "-m", message, "HEAD", ref]);
  } else {
    await git(at, ["update-ref", "--no-deref", "-m", message, "HEAD", head]);
  }
  return true;
}

/** Calls `use` where the index is that of `tree`: a copy, because `indexFile` must go on describing the checkout. */
async function withIndexOf(
  git: Git,
  checkout: Checkout,
  { tree, indexFile }: { tree: string; indexFile: string },
  use: (at: GitLocation) => Promise<void>,
): Promise<void> {
  const copy = `${indexFile}-restore`;
  const at = { ...locationOf(checkout), indexFile: copy };
  try {
    await copyIndex(indexFile, copy);
    // With -m, entries that are the same keep what the index knows of their files, and so are not written again.
    await git(at, ["read-tree", "-m", tree]);
    await use(at);
  } finally {
    await rm(copy, { force: true });
    await rm(`${copy}.lock`, { force: true });
  }
}
