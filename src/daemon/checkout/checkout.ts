import { createHash } from "node:crypto";
import { lstat, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { isErrno, readJson, writeAtomic } from "../../platform/files.ts";
import type { GitLocation, Identity } from "../../platform/git/git.ts";

/** A linked worktree that a task works in; all paths absolute and resolved. */
export interface Checkout {
  taskId: string;
  dir: string;
  /** The worktree's own part of the repository: HEAD, index. */
  gitDir: string;
  /** The part that all worktrees of the repository share. */
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
  const { taskId, commonDir, branch, baseCommit, start } = record;
  return { taskId, dir, gitDir, commonDir, branch, baseCommit, start };
}

/** Pins everything: an agent may have changed the checkout's `.git` and what it points to. */
export function locationOf({ dir, gitDir, commonDir }: Checkout): GitLocation {
  return { cwd: dir, workTree: dir, gitDir, commonDir };
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
  await rm(recordPath(dir), { force: true });
}

function recordPath(dir: string): string {
  return `${dir}.json`;
}
