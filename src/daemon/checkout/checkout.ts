import { createHash } from "node:crypto";
import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { exists, isErrno, readJson, removeAtomic, writeAtomic } from "../../platform/files.ts";
import type { GitLocation, Identity } from "../../platform/git/git.ts";

/** How a checkout hangs together with its repository: as one of its linked worktrees, or as a clone that borrows from it. */
export type CheckoutKind = z.infer<typeof CheckoutKind>;
const CheckoutKind = z.enum(["worktree", "clone"]);

/** What a task works in; all paths absolute and resolved. */
export interface Checkout {
  kind: CheckoutKind;
  taskId: string;
  dir: string;
  /** The checkout's own: HEAD, index; of a clone also everything that is committed in it. */
  gitDir: string;
  /** The repository whose checkout it is. */
  commonDir: string;
  /** Short name of the task's branch. */
  branch: string;
  /** The commit that the task was asked to start from. */
  baseCommit: string;
  /** Where the branch starts: the base, or a commit of the person's uncommitted changes on top of it. */
  start: string;
}

/**
 * What makima wrote down about a checkout, in `<dir>.json` beside it, out of the agent's sight. It is there before the
 * first step of making the checkout and goes after the last one of removing it, so whatever a crash leaves is known.
 */
export type CheckoutRecord = z.infer<typeof CheckoutRecord>;
const CheckoutRecord = z.strictObject({
  /** Earlier versions knew of linked worktrees only. */
  kind: CheckoutKind.default("worktree"),
  taskId: z.string(),
  commonDir: z.string(),
  branch: z.string(),
  baseCommit: z.string(),
  /** Where the branch starts: the base, or a commit of the person's uncommitted changes on top of it. */
  start: z.string(),
  /** null until the checkout is whole. Device and inode tell the directory from another one at its path. */
  made: z.strictObject({ gitDir: z.string(), device: z.string(), inode: z.string() }).nullable(),
});

/** Author of the commits that are makima's own, and of everything where the person has configured no identity. */
export const MAKIMA_IDENTITY: Identity = { name: "makima", email: "makima@localhost" };

/** Checking out a huge tree, or one whose files come through a filter such as LFS, takes its time. */
export const CHECKOUT_TIMEOUT_MS = 30 * 60_000;

/** By this variable the git that makes a checkout is found again. */
export const CHECKOUT_MARKER = "MAKIMA_CHECKOUT";

/**
 * One for each branch of a task: a run that takes the task over works on a branch of its own, and may begin while this
 * daemon is still putting the work of the run before it aside.
 */
export function checkoutDirectory(worktrees: string, { taskId, branch }: { taskId: string; branch: string }): string {
  return join(worktrees, `${taskId}-${createHash("sha256").update(branch).digest("hex").slice(0, 8)}`);
}

/** The checkout at `dir`. Throws `not_found` when there is none, `conflict` when something else took its place. */
export async function openCheckout(dir: string): Promise<Checkout> {
  const record = await readRecord(dir);
  if (record?.made && (await isPresent(dir, record.made))) return checkoutOf(dir, record, record.made);
  throw new MakimaError("not_found", `There is no checkout at ${dir}`, {
    hint: "`makima resume` makes it again from the task's branch.",
  });
}

/** The checkout at `dir`, null when there is none. Throws `conflict` like `openCheckout`. */
export async function findCheckout(dir: string): Promise<Checkout | null> {
  try {
    return await openCheckout(dir);
  } catch (error) {
    if (error instanceof MakimaError && error.code === "not_found") return null;
    throw error;
  }
}

export function checkoutOf(dir: string, record: CheckoutRecord, { gitDir }: { gitDir: string }): Checkout {
  const { kind, taskId, commonDir, branch, baseCommit, start } = record;
  return { kind, taskId, dir, gitDir, commonDir, branch, baseCommit, start };
}

/**
 * Pins everything: an agent may have changed the checkout's `.git` and what it points to. A clone's is all the agent's
 * own, so that git is confined there.
 */
export function locationOf({ kind, dir, gitDir, commonDir }: Checkout): GitLocation {
  if (kind === "worktree") return { cwd: dir, workTree: dir, gitDir, commonDir };
  return { cwd: dir, workTree: dir, gitDir, commonDir: gitDir, confinedTo: dir };
}

/** For what needs no checkout, and so must work when the checkout is gone. */
export function repositoryAt({ commonDir }: { commonDir: string }): { cwd: string; gitDir: string } {
  return { cwd: commonDir, gitDir: commonDir };
}

/** Whether the repository of a checkout is where it was: a person may have moved or deleted it. */
export async function repositoryIsThere({ commonDir }: { commonDir: string }): Promise<boolean> {
  return exists(join(commonDir, "objects"));
}

/**
 * Directory for indexes of makima's own, which its git can write. That of a clone lies beside it: what the daemon does
 * with a file in a directory that is the agent's could be led astray.
 */
export function indexDirectory({ kind, dir, gitDir }: Pick<Checkout, "kind" | "dir" | "gitDir">): string {
  return kind === "worktree" ? gitDir : cloneIndexes(dir);
}

/** The indexes of the clone at `dir`; beside the clone itself, confined git may write there and nowhere else. */
export function cloneIndexes(dir: string): string {
  return `${dir}.index`;
}

/** The configuration that confined git reads in the clone at `dir`, in place of the agent's. */
export function cloneConfig(dir: string): string {
  return `${dir}.gitconfig`;
}

export function branchRef({ branch }: { branch: string }): string {
  return `refs/heads/${branch}`;
}

/** Whether the directory is there; throws `conflict` when what is there is not what makima made. */
export async function isPresent(dir: string, made: { device: string; inode: string }): Promise<boolean> {
  try {
    const now = await identify(dir);
    if (now.device === made.device && now.inode === made.inode && (await realpath(dir)) === dir) return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
  throw new MakimaError("conflict", `${dir} is not the directory that makima made there`, {
    hint: "Move it away; makima touches only what it has made itself.",
  });
}

/** What tells a directory from any other; of a symbolic link, the link itself. */
export async function identify(dir: string): Promise<{ device: string; inode: string }> {
  const { dev, ino } = await lstat(dir, { bigint: true });
  return { device: String(dev), inode: String(ino) };
}

export async function readRecord(dir: string): Promise<CheckoutRecord | null> {
  const json = await readJson(recordPath(dir));
  return json === undefined ? null : CheckoutRecord.parse(json);
}

export async function writeRecord(dir: string, record: CheckoutRecord): Promise<void> {
  await writeAtomic(recordPath(dir), JSON.stringify(record));
}

export async function removeRecord(dir: string): Promise<void> {
  await removeAtomic(recordPath(dir));
}

function recordPath(dir: string): string {
  return `${dir}.json`;
}
