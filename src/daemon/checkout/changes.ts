import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { makeCommit, readIdentity, treeOf } from "../../platform/git/commit.ts";
import { textOf } from "../../platform/git/git.ts";
import type { Git } from "../../platform/git/git.ts";
import { readHead } from "../../platform/git/refs.ts";
import { copyIndex, writeWorkTree } from "../../platform/git/work-tree.ts";
import { MAKIMA_IDENTITY } from "./checkout.ts";

/**
 * Makes a commit on top of `baseCommit` of everything that the person has not committed in their checkout at `topLevel`
 * (tracked and untracked, not ignored), and returns its id; the base itself when there is nothing. Only objects are
 * added to the repository: the index is a copy at `indexFile`, deleted afterwards.
 */
export async function commitChanges(
  git: Git,
  { topLevel, baseCommit, indexFile }: { topLevel: string; baseCommit: string; indexFile: string },
): Promise<string> {
  const at = { cwd: topLevel, workTree: topLevel };
  if ((await readHead(git, { cwd: topLevel })).commit !== baseCommit) {
    throw new MakimaError("usage", "Uncommitted changes can be taken along only onto the commit that is checked out", {
      hint: "Leave out --base, or commit the changes first.",
    });
  }
  const gitDir = textOf(await git({ cwd: topLevel }, ["rev-parse", "--absolute-git-dir"]));
  await removeIndex(indexFile);
  try {
    await copyIndex(join(gitDir, "index"), indexFile);
    const { tree, complete } = await writeWorkTree(git, { ...at, gitDir, indexFile });
    if (!complete) {
      throw new MakimaError("conflict", `Some uncommitted files in ${topLevel} cannot be taken along`, {
        hint: "`git add --all --dry-run` says which and why.",
      });
    }
    if (tree === (await treeOf(git, { cwd: topLevel }, baseCommit))) return baseCommit;
    const identity = (await readIdentity(git, { cwd: topLevel })) ?? MAKIMA_IDENTITY;
    const message = "Uncommitted changes at the start of the task\n";
    return await makeCommit(git, { cwd: topLevel }, { tree, parents: [baseCommit], message, identity });
  } finally {
    await removeIndex(indexFile);
  }
}

/** With the lock that a killed git may have left beside it. */
async function removeIndex(indexFile: string): Promise<void> {
  await rm(indexFile, { force: true });
  await rm(`${indexFile}.lock`, { force: true });
}
