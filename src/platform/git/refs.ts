import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { openInside } from "../open-inside.ts";
import { textOf } from "./git.ts";
import type { Git, GitLocation } from "./git.ts";

/** git's own notation for "no commit": a ref that does not exist, a branch without a commit. */
export const NO_COMMIT = "0".repeat(40);

/** What HEAD is: the commit (`NO_COMMIT` on an unborn branch) and the full name of its branch, null when detached. */
export interface Head {
  commit: string;
  ref: string | null;
}

export interface RefChange {
  /** Full name, such as `refs/heads/main`. */
  ref: string;
  to: string;
  /** What the ref must still be; `NO_COMMIT`: it must not exist. */
  from: string;
  /** Reason for the reflog. */
  message: string;
}

/** What HEAD is now. Where `gitDir` and `commonDir` are pinned, mostly without a process. */
export async function readHead(git: Git, at: GitLocation): Promise<Head> {
  const read = await readHeadFiles(at);
  if (read !== null) return read;
  const both = await git(at, ["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"], { accept: [128] });
  if (both.exitCode === 0) {
    const [commit = NO_COMMIT, ref] = textOf(both).split("\n");
    return { commit, ref: ref === undefined || ref === "HEAD" ? null : ref };
  }
  return { commit: NO_COMMIT, ref: textOf(await git(at, ["symbolic-ref", "HEAD"])) };
}

/** The commit that a ref (full name) points at, `NO_COMMIT` when there is no such ref. */
export async function readRef(git: Git, at: GitLocation, ref: string): Promise<string> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
  const result = await git(at, args, { accept: [1, 128] });
  return result.exitCode === 0 ? textOf(result) : NO_COMMIT;
}

/** Moves a ref by compare-and-swap; false, and nothing moved, when it is no longer what `from` says. */
export async function moveRef(git: Git, at: GitLocation, change: RefChange): Promise<boolean> {
  const { ref, to, from, message } = change;
  return swapRef(git, at, change, ["update-ref", "--no-deref", "-m", message, ref, to, oldValue(from)]);
}

/** Deletes a ref that still points at `from`; false, and nothing deleted, when it does not. */
export async function deleteRef(git: Git, at: GitLocation, ref: string, from: string): Promise<boolean> {
  return swapRef(git, at, { ref, from }, ["update-ref", "--no-deref", "-d", ref, from]);
}

/** Points a ref at a commit, whatever it was before. */
export async function setRef(git: Git, at: GitLocation, ref: string, to: string): Promise<void> {
  await git(at, ["update-ref", "--no-deref", ref, to]);
}

/** Points refs (full name to commit) at commits, all or none. */
export async function setRefs(git: Git, at: GitLocation, refs: Readonly<Record<string, string>>): Promise<void> {
  const input = Object.entries(refs).map(([ref, to]) => `option no-deref\nupdate ${ref} ${to}\n`);
  if (input.length > 0) await git(at, ["update-ref", "--stdin"], { input: input.join("") });
}

/** Deletes refs, whatever they point at; those that are not there are no error. */
export async function deleteRefs(git: Git, at: GitLocation, refs: readonly string[]): Promise<void> {
  const input = refs.map((ref) => `option no-deref\ndelete ${ref}\n`);
  await git(at, ["update-ref", "--stdin"], { input: input.join("") });
}

/** Whether every commit of `ancestor` is part of `commit`'s history. */
export async function isAncestor(git: Git, at: GitLocation, ancestor: string, commit: string): Promise<boolean> {
  return (await git(at, ["merge-base", "--is-ancestor", ancestor, commit], { accept: [1] })).exitCode === 0;
}

/**
 * Throws `invalid_request` for a name outside makima's rule for branches. Over this alphabet the rule is the same as
 * `git check-ref-format`, but for a leading dash and `@`, which that lets through and git then reads as something else.
 */
export function requireBranchName(name: string): void {
  const sound = name.split("/").every((part) => /^[a-z0-9_][a-z0-9._-]*$/.test(part) && !part.endsWith(".lock"));
  if (sound && !name.includes("..") && !name.endsWith(".")) return;
  throw new MakimaError("invalid_request", `${JSON.stringify(name)} is not a branch name that makima accepts`, {
    hint: "Use small letters, digits, dots, dashes, underscores and slashes.",
  });
}

/** HEAD and its branch as files; null when they are kept in another form (packed, reftable) or do not exist. */
async function readHeadFiles({ gitDir, commonDir, confinedTo }: GitLocation): Promise<Head | null> {
  if (gitDir === undefined || commonDir === undefined) return null;
  try {
    const head = await readRefFile(join(gitDir, "HEAD"), confinedTo);
    if (COMMIT_LINE.test(head)) return { commit: head.trimEnd(), ref: null };
    const [, ref] = /^ref: (refs\/heads\/.+)\n$/.exec(head) ?? [];
    if (ref === undefined) return null;
    const commit = await readRefFile(join(commonDir, ref), confinedTo);
    return COMMIT_LINE.test(commit) ? { commit: commit.trimEnd(), ref } : null;
  } catch {
    return null;
  }
}

/** Where git is confined, what lies outside of the checkout must not be read either, and nothing may hang. */
async function readRefFile(path: string, confinedTo: string | undefined): Promise<string> {
  if (confinedTo === undefined) return readFile(path, "latin1");
  const opened = await openInside(confinedTo, relative(confinedTo, path));
  if (typeof opened === "string") throw new Error(`${path}: ${opened}`);
  await using file = opened;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_REF_FILE), 0, MAX_REF_FILE, 0);
  return buffer.toString("latin1", 0, bytesRead);
}

/** Bytes; a longer one is no ref's. */
const MAX_REF_FILE = 4096;

const COMMIT_LINE = /^[0-9a-f]{40,64}\n$/;

async function swapRef(
  git: Git,
  at: GitLocation,
  { ref, from }: Pick<RefChange, "ref" | "from">,
  args: string[],
): Promise<boolean> {
  try {
    await git(at, args);
    return true;
  } catch (error) {
    // git has one exit code for "moved" and for every other trouble: the ref itself tells which it was.
    if ((await readRef(git, at, ref)) !== from) return false;
    throw error;
  }
}

/** An empty string instead of zeros: valid for every hash length. */
function oldValue(from: string): string {
  return from === NO_COMMIT ? "" : from;
}
