import { lstat, mkdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import { moveRef, NO_COMMIT, readRef, requireBranchName } from "../../platform/git/refs.ts";
import type { Repository } from "../../platform/git/repository.ts";
import { commitChanges } from "./changes.ts";
import { branchRef, checkoutOf, identify, isPresent, readRecord, repositoryAt, writeRecord } from "./checkout.ts";
import type { Checkout, CheckoutKind, CheckoutRecord } from "./checkout.ts";
import { finalCommit } from "./final-commit.ts";
import { kindOf } from "./kinds.ts";
import { abandon, clear, removeCheckout } from "./remove.ts";

export interface CheckoutSpec {
  taskId: string;
  repository: Pick<Repository, "topLevel" | "commonDir">;
  /** Branch for the task, without `refs/heads/`. */
  branch: string;
  /** The branch may be there already, with what an earlier run has done: it is gone on with. */
  adoptBranch: boolean;
  baseCommit: string;
  /** Where the checkout goes; its parent, made when missing, is makima's own directory for checkouts. */
  dir: string;
  /** Take the person's uncommitted changes along, as the first commit on the branch. */
  includeChanges: boolean;
  /** A checkout of the other kind that is there is replaced; what is not committed in it becomes a commit first. */
  kind: CheckoutKind;
}

/**
 * Makes a checkout on a branch that it makes at the base, or adopts. Called again it adopts what is there, finishes
 * what a crash interrupted, and makes a deleted directory again from the branch. Throws `conflict` when the branch or the
 * directory is somebody else's, and then leaves nothing behind.
 */
export async function createCheckout(git: Git, spec: CheckoutSpec): Promise<Checkout> {
  requireBranchName(spec.branch);
  const dir = await placeFor(spec.dir);
  const known = await readRecord(dir);
  if (known !== null) requireSame(dir, known, spec);
  if (known?.made && (await isPresent(dir, known.made))) {
    const checkout = checkoutOf(dir, known, known.made);
    if (known.kind === spec.kind) return checkout;
    await giveUp(git, checkout);
    return createCheckout(git, { ...spec, adoptBranch: true });
  }
  const record = known === null ? await begin(git, dir, spec) : await beginAgain(git, dir, known, spec);
  const tip = await readRef(git, repositoryAt(record), branchRef(record));
  return make(git, dir, record, spec.repository.topLevel, tip);
}

/** The path without symbolic links, as git and the kernel will report it. */
async function placeFor(dir: string): Promise<string> {
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 });
  return join(await realpath(dirname(dir)), basename(dir));
}

function requireSame(dir: string, record: CheckoutRecord, spec: CheckoutSpec): void {
  const same = record.taskId === spec.taskId && record.branch === spec.branch && record.baseCommit === spec.baseCommit;
  if (!same) throw new MakimaError("conflict", `${dir} is the checkout of another task (${record.taskId})`);
}

/** The sandbox was switched on or off since: what the checkout holds is brought to the branch, which the new one is made of. */
async function giveUp(git: Git, checkout: Checkout): Promise<void> {
  await finalCommit(git, checkout, { message: "What was not committed when the checkout was replaced\n" });
  await removeCheckout(git, checkout.dir, { deleteBranch: "keep" });
}

/** The record is the first thing written: from then on everything at `dir` is makima's. */
async function begin(git: Git, dir: string, spec: CheckoutSpec): Promise<CheckoutRecord> {
  const { taskId, branch, baseCommit, repository, adoptBranch } = spec;
  if (await isTaken(dir)) {
    throw new MakimaError("conflict", `${dir} is in the way, and makima did not make it`, { hint: "Move it away." });
  }
  const commonDir = await realpath(repository.commonDir);
  const tip = await readRef(git, repositoryAt({ commonDir }), branchRef(spec));
  // A branch that is there holds the changes that were to be taken along.
  const start =
    spec.includeChanges && tip === NO_COMMIT
      ? await commitChanges(git, { topLevel: repository.topLevel, baseCommit, indexFile: `${dir}.index` })
      : baseCommit;
  if (tip !== NO_COMMIT && !adoptBranch) {
    throw new MakimaError("conflict", `The branch ${branch} exists already`, {
      hint: "Choose another name with --name.",
    });
  }
  const record = { kind: spec.kind, taskId, commonDir, branch, baseCommit, start, made: null };
  await writeRecord(dir, record);
  return record;
}

async function isTaken(dir: string): Promise<boolean> {
  try {
    await lstat(dir);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Clears away what was half made, or what is left of a checkout that was deleted; the branch stays as it is. */
async function beginAgain(
  git: Git,
  dir: string,
  known: CheckoutRecord,
  { kind }: CheckoutSpec,
): Promise<CheckoutRecord> {
  await writeRecord(dir, { ...known, made: null });
  await clear(dir, known);
  if (kind === known.kind) return { ...known, made: null };
  await kindOf(known).forget(git, dir, known);
  const record = { ...known, kind, made: null };
  await writeRecord(dir, record);
  return record;
}

/** `tip`: where the branch is, which by now may hold an agent's work; `NO_COMMIT` when it is still to be made. */
async function make(git: Git, dir: string, record: CheckoutRecord, topLevel: string, tip: string): Promise<Checkout> {
  try {
    if (tip === NO_COMMIT) await createBranch(git, record);
    const gitDir = await kindOf(record).make(git, dir, record, topLevel);
    const made = { gitDir, ...(await identify(dir)) };
    await writeRecord(dir, { ...record, made });
    return checkoutOf(dir, record, made);
  } catch (error) {
    // A first attempt leaves nothing behind; a later one must not lose the branch that it found.
    if (tip === NO_COMMIT) await abandon(git, dir, record);
    throw error;
  }
}

async function createBranch(git: Git, record: CheckoutRecord): Promise<void> {
  const change = { ref: branchRef(record), to: record.start, from: NO_COMMIT, message: "makima: start of the task" };
  if (await moveRef(git, repositoryAt(record), change)) return;
  throw new MakimaError("conflict", `The branch ${record.branch} was made by somebody else at the same moment`);
}
