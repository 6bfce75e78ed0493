import { lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno, removeAtomic } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import { deleteRefs, readRef, setRefs } from "../../platform/git/refs.ts";
import {
  branchRef,
  CHECKOUT_MARKER,
  CHECKOUT_TIMEOUT_MS,
  cloneConfig,
  cloneIndexes,
  locationOf,
  repositoryAt,
  repositoryIsThere,
} from "./checkout.ts";
import { makeGitDirectory } from "./clone-directory.ts";
import type { CloneSpec } from "./clone-directory.ts";
import { brokenDirectory, isSound, withUsableGit } from "./clone-mend.ts";
import { baseRef, importedRef, importLoose, importWork } from "./import.ts";
import type { Kind } from "./kind.ts";
import { openUp, removeTree } from "./remove-tree.ts";

/**
 * A clone that borrows the repository's objects. Everything in it is the agent's, `.git` included; what is committed there
 * comes into the repository by being imported.
 */
export const sharedClone: Kind = {
  async make(git, dir, record) {
    const { commonDir, branch, start } = record;
    const commit = await readRef(git, repositoryAt(record), branchRef(record));
    await setRefs(git, repositoryAt(record), { [baseRef({ dir })]: start, [importedRef({ dir })]: commit });
    const options = { confined: true, variables: { [CHECKOUT_MARKER]: dir } };
    return makeClone(git, dir, { commonDir, branch, commit }, options);
  },

  async clear(dir) {
    await removeTree(dir);
    await removeBeside(dir);
  },

  async forget(git, dir, record) {
    if (await repositoryIsThere(record)) {
      await deleteRefs(git, repositoryAt(record), [baseRef({ dir }), importedRef({ dir })]);
    }
    await removeBeside(dir);
  },

  withGit: withUsableGit,

  async requireGit(clone) {
    if (await isSound(clone)) return;
    throw new MakimaError("conflict", `The agent has broken the git directory of ${clone.dir}`, {
      hint: "It is mended after the iteration; the task's branch has what was imported before.",
    });
  },

  openUp: ({ gitDir }) => openUp(gitDir),
  publish: importWork,
  bringLoose: (git, clone, { commit }) => importLoose(git, clone, commit),
  headOfGone: async () => null,

  async installIndex(git, clone) {
    const index = join(clone.gitDir, "index");
    await removeTree(`${index}.lock`);
    if (!(await isFileOrNothing(index))) await removeTree(index);
    await git(locationOf(clone), ["read-tree", "HEAD"]);
  },
};

interface CloneOptions {
  /**
   * Whether the files are written by confined git, for which a record of the checkout must be there. A filter of the
   * person's may be a script in the tree, and the commit an agent's. Not needed for what the person has checked out.
   */
  confined: boolean;
  /** Mark the git that writes the files. */
  variables: Readonly<Record<string, string>>;
}

/** Makes a clone at `dir` and checks its commit out; returns its git directory. Everything in it was made by makima yet. */
export async function makeClone(
  git: Git,
  dir: string,
  spec: CloneSpec,
  { confined, variables }: CloneOptions,
): Promise<string> {
  await mkdir(dir);
  const gitDir = await makeGitDirectory(git, dir, spec);
  // In the repository's name, with its filters and what they need of it, as for a linked worktree.
  const place = { ...repositoryAt(spec), cwd: dir, workTree: dir, indexFile: join(gitDir, "index") };
  const at = confined ? { ...place, confinedTo: dir } : place;
  await git(at, ["read-tree", "--reset", "-u", spec.commit], {
    config: ["core.sparseCheckout=false", "index.sparse=false"],
    timeoutMs: CHECKOUT_TIMEOUT_MS,
    variables,
  });
  return gitDir;
}

async function removeBeside(dir: string): Promise<void> {
  await removeAtomic(cloneConfig(dir));
  await removeTree(cloneIndexes(dir));
  await removeTree(brokenDirectory(dir));
}

async function isFileOrNothing(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return true;
    throw error;
  }
}
