import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";
import { NO_COMMIT, readHead } from "../../platform/git/refs.ts";
import { copyIndex, writeWorkTree } from "../../platform/git/work-tree.ts";
import type { WrittenTree } from "../../platform/git/work-tree.ts";
import { indexDirectory, locationOf } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { kindOf } from "./kinds.ts";

/** The checkout as it is, and an index that says the same, for the duration of a call. */
export interface IndexedTree extends WrittenTree {
  /** For reading: whoever needs another one makes a copy. */
  indexFile: string;
}

/**
 * Writes the whole work tree as a git tree by way of makima's own index, and calls `use` with both. The agent's index is
 * only read. The private one is kept from call to call, so that only files changed since the last call are hashed.
 */
export async function withWorkTree<T>(
  git: Git,
  checkout: Checkout,
  use: (work: IndexedTree) => Promise<T>,
): Promise<T> {
  const directory = indexDirectory(checkout);
  const prefix = `${KEPT}${await stampOf(join(checkout.gitDir, "index"))}.`;
  // Taking it by rename makes this call its only user; a lock that a killed git left lies beside a name never used again.
  const indexFile = nameIn(directory);
  try {
    const written = await write(git, { ...locationOf(checkout), indexFile }, async (at) => {
      const known = await take(indexFile, directory, prefix);
      if (known !== null) return known;
      await sweep(directory);
      return seed(git, at, checkout.gitDir);
    });
    const result = await use({ ...written, indexFile });
    await rename(indexFile, join(directory, prefix + written.tree));
    return result;
  } catch (error) {
    await discard(indexFile);
    throw error;
  }
}

/**
 * The same by way of an index that is thrown away: for whoever looks in while a run is at work, whose kept index must stay
 * in its place. Of a linked worktree it lies in `scratch`, for the caller to clear away whatever happens.
 */
export async function withTreeApart<T>(
  git: Git,
  { checkout, scratch }: { checkout: Checkout; scratch: string },
  use: (work: IndexedTree) => Promise<T>,
): Promise<T> {
  await kindOf(checkout).requireGit(checkout);
  const indexFile = nameIn(checkout.kind === "worktree" ? scratch : indexDirectory(checkout));
  try {
    const at = { ...locationOf(checkout), indexFile };
    return await use({ ...(await write(git, at, () => seed(git, at, checkout.gitDir))), indexFile });
  } finally {
    await discard(indexFile);
  }
}

function nameIn(directory: string): string {
  return join(directory, `${TAKEN}${process.pid}-${(calls += 1)}`);
}

const KEPT = "makima-index.";
const TAKEN = "makima-index-in-use.";
let calls = 0;

/**
 * The private index is good for as long as the agent's is the same file: what counts as tracked (an ignored file that
 * was added by force, say) is recorded nowhere else.
 */
async function stampOf(index: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(index, { bigint: true });
    return `${ino}-${size}-${mtimeNs}`;
  } catch (error) {
    if (UNREADABLE.some((code) => isErrno(error, code))) return "none";
    throw error;
  }
}

/** What an agent may have made of its index: nothing, or a link that leads to nothing that can be looked at. */
const UNREADABLE = ["ENOENT", "ELOOP", "EACCES"];

type IndexLocation = GitLocation & { indexFile: string };

/** `prepare` makes the index, and says which tree it holds where that is known. */
async function write(
  git: Git,
  at: IndexLocation,
  prepare: (at: IndexLocation) => Promise<string | null>,
): Promise<WrittenTree> {
  try {
    return await writeWorkTree(git, at, await prepare(at));
  } catch (error) {
    if (!(error instanceof MakimaError)) throw error;
    // An index that git cannot use, ours or the agent's, must not stop the run: start over from the last commit.
    await discard(at.indexFile);
    await readHeadTree(git, at);
    return writeWorkTree(git, at);
  }
}

/** Takes the kept index, if it is still good, and returns the tree that it holds, which its name ends with. */
async function take(indexFile: string, directory: string, prefix: string): Promise<string | null> {
  const kept = (await readdir(directory)).find((name) => name.startsWith(prefix));
  if (kept === undefined) return null;
  try {
    await rename(join(directory, kept), indexFile);
    return kept.slice(prefix.length);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

/** Begins with what the agent's index knows; which tree that is, nobody does. */
async function seed(git: Git, at: IndexLocation, gitDir: string): Promise<null> {
  if (!(await copyIndex(join(gitDir, "index"), at.indexFile, at.confinedTo))) await readHeadTree(git, at);
  return null;
}

async function readHeadTree(git: Git, at: IndexLocation): Promise<void> {
  const { commit } = await readHead(git, at);
  await git(at, ["read-tree", commit === NO_COMMIT ? "--empty" : commit]);
}

/** Removes private indexes that fit the agent's no more, and those that another process died with. */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const stale = name.startsWith(KEPT) || (name.startsWith(TAKEN) && !name.startsWith(`${TAKEN}${process.pid}-`));
    if (stale) await rm(join(directory, name), { force: true });
  }
}

async function discard(indexFile: string): Promise<void> {
  await rm(indexFile, { force: true });
  await rm(`${indexFile}.lock`, { force: true });
}
