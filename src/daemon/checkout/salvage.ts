import { MakimaError } from "../../core/errors.ts";
import { makeCommit, treeOf } from "../../platform/git/commit.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";
import type { Head } from "../../platform/git/refs.ts";
import { isAncestor, moveRef, NO_COMMIT, readRef } from "../../platform/git/refs.ts";
import { locationOf, MAKIMA_IDENTITY, repositoryAt } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import { kindOf } from "./kinds.ts";
import type { Snapshot } from "./snapshot.ts";

/** Full name of the ref that keeps a task's work which is on no branch; `whose` is a run, or "checkout" for the rest. */
export function salvageRef(taskId: string, whose = "checkout"): string {
  return `refs/makima/salvage/${taskId}/${whose}`;
}

/**
 * Keeps what only this checkout has, uncommitted files or commits on no branch, under `ref`; false when there is nothing.
 * Done again, it finds everything kept.
 */
export async function salvage(git: Git, checkout: Checkout, snapshot: Snapshot, ref: string): Promise<boolean> {
  const kind = kindOf(checkout);
  const repository = repositoryAt(checkout);
  const { tree, head } = snapshot;
  const loose = await keepLoose(git, checkout, { commit: head, ref: snapshot.ref }, ref);
  const at = locationOf(checkout);
  if (head !== NO_COMMIT && tree === (await treeOf(git, at, head))) return loose;
  if (await holds(git, repository, ref, snapshot)) return true;
  const parents = head === NO_COMMIT ? [] : [head];
  const message = "What was not committed in the checkout\n";
  const commit = await makeCommit(git, at, { tree, parents, message, identity: MAKIMA_IDENTITY });
  await kind.publish(git, checkout, [commit]);
  await keep(git, repository, ref, commit);
  return true;
}

/** Keeps what is committed on no branch under `ref`; false when there is nothing. */
export async function keepLoose(git: Git, checkout: Checkout, head: Head, ref: string): Promise<boolean> {
  const loose = await kindOf(checkout).bringLoose(git, checkout, head);
  for (const commit of loose) await keep(git, repositoryAt(checkout), ref, commit);
  return loose.length > 0;
}

/** Keeps a commit under the ref. What it kept before stays reachable from it. */
export async function keep(git: Git, at: GitLocation, ref: string, commit: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const from = await readRef(git, at, ref);
    const to = await joined(git, at, from, commit);
    // Another daemon may keep what it has of the same task at the same moment.
    if (to === from || (await moveRef(git, at, { ref, to, from, message: "makima: salvaged" }))) return;
  }
  throw new MakimaError("conflict", `${ref} is being moved by another program`);
}

const MAX_TRIES = 10;

/** A commit that both can be reached from; one of them, where that will do. */
async function joined(git: Git, at: GitLocation, before: string, commit: string): Promise<string> {
  if (before === NO_COMMIT || (await isAncestor(git, at, before, commit))) return commit;
  if (await isAncestor(git, at, commit, before)) return before;
  const tree = await treeOf(git, at, commit);
  const parents = [commit, before];
  return makeCommit(git, at, { tree, parents, message: "Salvaged again\n", identity: MAKIMA_IDENTITY });
}

/** Whether the ref's own commit is this state of the checkout. */
async function holds(git: Git, at: GitLocation, ref: string, { tree, head }: Snapshot): Promise<boolean> {
  const kept = await readRef(git, at, ref);
  if (kept === NO_COMMIT || (await treeOf(git, at, kept)) !== tree) return false;
  return head === NO_COMMIT || (await isAncestor(git, at, head, kept));
}
