import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateDir, readJson, writeAtomic } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import type { Repository } from "../../platform/git/repository.ts";
import { identify, isSameProcess } from "../../platform/process/identity.ts";
import type { ProcessIdentity } from "../../platform/process/identity.ts";
import { killByEnvironment } from "../../platform/process/reap.ts";
import { CHECKOUT_MARKER } from "../checkout/checkout.ts";
import { makeClone } from "../checkout/clone.ts";
import { removeTree } from "../checkout/remove-tree.ts";
import type { Sandboxes } from "./sandboxes.ts";

export interface TrialOptions {
  git: Git;
  sandboxes: Sandboxes;
  /** Directory of all trials, made when missing. */
  trials: string;
  repository: Pick<Repository, "commonDir" | "baseCommit">;
  /** The whole environment of what is to run. */
  env: Readonly<Record<string, string>>;
}

/** A sandbox for one command in a checkout of its own. Disposing it removes the checkout, with all that was done in it. */
export interface Trial extends AsyncDisposable {
  dir: string;
  /** What the checkout lies in: out of reach of what runs in the sandbox. */
  place: string;
  /** What stands before a program and its arguments. */
  sandbox: readonly string[];
}

/**
 * Clones a commit of the repository, which gets no trace of it, and prepares a sandbox there: that of a check, for no agent
 * is at work. What killed processes have left of theirs is removed first.
 */
export async function openTrial({ git, sandboxes, trials, repository, env }: TrialOptions): Promise<Trial> {
  const { commonDir, baseCommit } = repository;
  // Before anything is made.
  await sandboxes.require();
  await ensurePrivateDir(trials);
  await sweep(trials);
  const place = join(trials, randomUUID());
  await using stack = new AsyncDisposableStack();
  // The record is the first thing that is made and the last that goes: what has none is nobody's to remove.
  await writeAtomic(recordOf(place), JSON.stringify(identify(process.pid)));
  stack.defer(() => discard(place));
  await mkdir(place);
  const dir = join(place, "checkout");
  const options = { confined: false, variables: { [CHECKOUT_MARKER]: place } };
  await makeClone(git, dir, { commonDir, commit: baseCommit, branch: null }, options);
  const sandbox = await sandboxes.forCheck({ dir, repository: commonDir, caches: null, env });
  const owned = stack.move();
  return { dir, place, sandbox, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Removes the trials whose process is gone. */
async function sweep(trials: string): Promise<void> {
  for (const name of await readdir(trials)) {
    if (!name.endsWith(RECORD)) continue;
    const place = join(trials, name.slice(0, -RECORD.length));
    const owner = (await readJson(recordOf(place))) as ProcessIdentity | undefined;
    if (owner !== undefined && !isSameProcess(owner)) await discard(place);
  }
}

async function discard(place: string): Promise<void> {
  // A process that is killed leaves its git at work, which would go on writing.
  await killByEnvironment(CHECKOUT_MARKER, place);
  await removeTree(place);
  await rm(recordOf(place), { force: true });
}

const RECORD = ".json";

function recordOf(place: string): string {
  return `${place}${RECORD}`;
}
