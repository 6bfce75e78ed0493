import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isRefName } from "../../core/ids.ts";
import { isErrno } from "../../platform/files.ts";
import { makeCommit, treeOf } from "../../platform/git/commit.ts";
import { changedPaths } from "../../platform/git/diff.ts";
import { textOf } from "../../platform/git/git.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";
import { moveRef, NO_COMMIT, readHead, readRef } from "../../platform/git/refs.ts";
import type { OperationResult, Place } from "../../protocol/operations.ts";
import { CHECKOUT_TIMEOUT_MS, locationOf, MAKIMA_IDENTITY } from "../checkout/checkout.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { kindOf } from "../checkout/kinds.ts";
import { withTreeApart } from "../checkout/private-index.ts";
import type { IndexedTree } from "../checkout/private-index.ts";
import { requirePlainNames } from "../journal/plain-names.ts";
import { requireCommit, taskCheckout, taskTip } from "./context.ts";
import type { Carry, OperationContext } from "./context.ts";
import { Scratch } from "./scratch.ts";

type Checkpoint = OperationResult<"CreateCheckpoint">;

/** Keeps a task's present state, of its checkout or else of its branch, under a ref of its own. */
export const createCheckpoint: Carry<"CreateCheckpoint"> = async (context, { place, name, message }) => {
  const ref = refOf(place, name);
  // Made before a crash: the state of that moment is the one that was asked for.
  const known = await readRef(context.git, context.at, ref);
  if (known !== NO_COMMIT) return { name, ref, commit: known };
  return keep(context, { name, ref, commit: await commitPresent(context, place, message) });
};

/**
 * Makes a task's checkout what it was at a checkpoint: files that git tracks or would, and not what it ignores. HEAD, the
 * branch and the agent's index stay. What is there now becomes the checkpoint `save` before anything is changed.
 */
export const restoreCheckpoint: Carry<"RestoreCheckpoint"> = async (context, { place, commit, save }) => {
  const checkout = await idleCheckout(context, place);
  await requireCommit(context, commit);
  const target = await treeOf(context.git, context.at, commit);
  const ref = refOf(place, save);
  await using scratch = await Scratch.make(context);
  const git = scratch.marking(context.git);
  const restore = async ({ tree, indexFile }: IndexedTree): Promise<OperationResult<"RestoreCheckpoint">> => {
    const at = { ...locationOf(checkout), indexFile };
    // Saved before a crash: what is there now may be restored half, and is not what was to be kept.
    const earlier = await readRef(git, context.at, ref);
    const saved = earlier === NO_COMMIT ? null : { name: save, ref, commit: earlier };
    if (tree === target) return { commit, saved };
    const whole = await takeIn(git, at, { tree, target });
    const message = `What was there before ${commit} was restored\n`;
    const kept =
      saved ?? (await keep(context, { name: save, ref, commit: await commitIn(git, checkout, whole, message) }));
    const steady = scratch.marking(context.steadyGit);
    await steady(at, ["read-tree", "-m", "-u", whole, target], { timeoutMs: CHECKOUT_TIMEOUT_MS });
    return { commit, saved: kept };
  };
  const apart = { checkout, scratch: scratch.dir };
  return await kindOf(checkout).withGit(git, checkout, () => withTreeApart(git, apart, restore));
};

function refOf({ taskId }: Place, name: string): string {
  requirePlainNames("task", [taskId]);
  if (isRefName(name) && !name.includes("/")) return `refs/makima/checkpoints/${taskId}/${name}`;
  throw new MakimaError("invalid_request", `${JSON.stringify(name)} cannot be the name of a checkpoint`);
}

/** A commit of a task's present state, in the repository. */
async function commitPresent(context: OperationContext, place: Place, message: string): Promise<string> {
  const { git, at } = context;
  const checkout = await taskCheckout(context, place);
  if (checkout === null) {
    const tip = await taskTip(context, place);
    const tree = await treeOf(git, at, tip);
    return makeCommit(git, at, { tree, parents: [tip], message, identity: MAKIMA_IDENTITY });
  }
  await using scratch = await Scratch.make(context);
  const marked = scratch.marking(git);
  return await withTreeApart(marked, { checkout, scratch: scratch.dir }, ({ tree }) => {
    return commitIn(marked, checkout, tree, message);
  });
}

/** A commit of a tree of the checkout on top of what HEAD is at there, brought into the repository. */
async function commitIn(git: Git, checkout: Checkout, tree: string, message: string): Promise<string> {
  const at = locationOf(checkout);
  const head = await readHead(git, at);
  const parents = head.commit === NO_COMMIT ? [] : [head.commit];
  const commit = await makeCommit(git, at, { tree, parents, message, identity: MAKIMA_IDENTITY });
  await kindOf(checkout).publish(git, checkout, [commit]);
  return commit;
}

/** A checkpoint never changes: where there is one by this name, it is that. */
async function keep({ git, at }: OperationContext, { name, ref, commit }: Checkpoint): Promise<Checkpoint> {
  const made = await moveRef(git, at, { ref, to: commit, from: NO_COMMIT, message: "makima: checkpoint" });
  return { name, ref, commit: made ? commit : await readRef(git, at, ref) };
}

/** The checkout that a task has left for now. */
async function idleCheckout(context: OperationContext, place: Place): Promise<Checkout> {
  if (context.isAtWork(place.taskId)) {
    throw new MakimaError("conflict", "The task is being worked on", {
      hint: "Stop it with `makima stop`, restore the checkpoint, and go on with `makima resume`.",
    });
  }
  const checkout = await taskCheckout(context, place);
  if (checkout !== null) return checkout;
  throw new MakimaError("not_found", "The task has no checkout to restore a checkpoint in", {
    hint: "A completed task's checkout is gone; its work is on its branch, and every checkpoint is a commit.",
  });
}

/**
 * Takes ignored files that are in the way of the target's into the index, and returns the tree with them: git would
 * overwrite them, and they would be in no checkpoint.
 */
async function takeIn(
  git: Git,
  at: GitLocation & { indexFile: string },
  { tree, target }: { tree: string; target: string },
): Promise<string> {
  const coming = (await changedPaths(git, at, tree, target)).filter(({ status }) => status === "added");
  const inTheWay = new Set<string>();
  for (const { path } of coming) {
    const found = await firstThere(at.cwd, path);
    if (found !== null) inTheWay.add(found);
  }
  if (inTheWay.size === 0) return tree;
  const args = ["add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"];
  await git(at, args, { input: [...inTheWay].join("\0") });
  return textOf(await git(at, ["write-tree"]));
}

/** What lies at the path, or at the nearest parent of it that is no directory; null: its place is free. */
async function firstThere(dir: string, path: string): Promise<string | null> {
  const parts = path.split("/");
  for (const [index] of parts.entries()) {
    const prefix = parts.slice(0, index + 1).join("/");
    const found = await lstatIfThere(join(dir, prefix));
    if (found === null) return null;
    if (!found.isDirectory()) return prefix;
  }
  return path;
}

async function lstatIfThere(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}
