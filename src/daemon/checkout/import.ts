import { basename, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { checkedOutAt } from "../../platform/git/branches.ts";
import { textOf } from "../../platform/git/git.ts";
import type { Git } from "../../platform/git/git.ts";
import { isAncestor, moveRef, NO_COMMIT, readHead, readRef, setRefs } from "../../platform/git/refs.ts";
import { branchRef, locationOf, repositoryAt } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";
import type { Obstacle } from "./kind.ts";
import { importLargeFiles } from "./large-files.ts";

/** Keeps in the repository what a clone borrows from the start; named after the directory, of which a task may have two. */
export function baseRef({ dir }: { dir: string }): string {
  return `refs/makima/base/${basename(dir)}`;
}

/** The tip of the clone's branch that was imported last. */
export function importedRef({ dir }: { dir: string }): string {
  return `refs/makima/imported/${basename(dir)}`;
}

/**
 * Brings a clone's branch into its repository, and the commits named with it. The repository's branch follows if nothing
 * is lost by that: if all that it holds came from the clone, or is part of what comes now. A person's own commits on it,
 * or a work tree of theirs that has it checked out, are an obstacle; the commits are brought all the same.
 */
export async function importWork(git: Git, clone: Checkout, commits: readonly string[]): Promise<Obstacle | null> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const outcome = await tryImport(git, clone, commits);
    if (outcome !== "moved") return outcome;
  }
  return { kind: "diverged" };
}

/** Tries before the repository's branch counts as somebody else's: also an import beside this one moves it. */
const MAX_TRIES = 5;

/** "moved": the repository's branch went elsewhere meanwhile, which need not be an obstacle. */
async function tryImport(git: Git, clone: Checkout, commits: readonly string[]): Promise<Obstacle | null | "moved"> {
  // Before the clone's tip: one that is older than what another import has brought meanwhile would put the branch back.
  const { now, imported } = await stateOf(git, clone);
  const tip = await tipOf(git, clone);
  const isNew = tip !== NO_COMMIT && tip !== imported;
  await fetchCommits(git, clone, isNew ? [...commits, tip] : commits);
  if (isNew) await setRefs(git, repositoryAt(clone), { [importedRef(clone)]: tip });
  if (tip === NO_COMMIT || tip === now) return null;
  if (!(await mayFollow(git, clone, { now, imported, tip }))) {
    return (await isAncestor(git, repositoryAt(clone), tip, now)) ? null : { kind: "diverged" };
  }
  // Only now: while commits were brought, which may take minutes, a person may have switched to the branch.
  const place = await checkedOutAt(git, repositoryAt(clone), branchRef(clone));
  if (place !== null) return { kind: "checked-out", at: place };
  const change = { ref: branchRef(clone), to: tip, from: now, message: "makima: work of the task" };
  return (await moveRef(git, repositoryAt(clone), change)) ? null : "moved";
}

/** Commits that a clone has at most which nobody knows elsewhere: more is no work, but an attempt to fill a command line. */
const MAX_LOOSE = 100;

/**
 * Brings all that is committed in a clone into its repository (branches, tags, stashes, what HEAD is at), and returns
 * those of the commits that can be reached from no branch, tag or salvage there. Throws `conflict` when they are too many.
 */
export async function importLoose(git: Git, clone: Checkout, head: string): Promise<string[]> {
  const tips = [...(await tipsOf(git, clone)), ...(head === NO_COMMIT ? [] : [head])];
  const known = await knownCommits(git, clone);
  const unknown = [...new Set(tips)].filter((tip) => !known.has(tip));
  if (unknown.length > MAX_LOOSE) {
    throw new MakimaError("conflict", `${clone.dir} has ${unknown.length} branches, tags and stashes of its own`, {
      hint: `makima keeps ${MAX_LOOSE}. Delete those that nobody needs, and try again.`,
    });
  }
  await importWork(git, clone, unknown);
  const loose: string[] = [];
  for (const tip of unknown) if (!(await isReachable(git, clone, tip))) loose.push(tip);
  return loose;
}

/** Where HEAD is on the task's branch, as it mostly is, no process is needed. */
async function tipOf(git: Git, clone: Checkout): Promise<string> {
  const { ref, commit } = await readHead(git, locationOf(clone));
  return ref === branchRef(clone) ? commit : readRef(git, locationOf(clone), branchRef(clone));
}

interface State {
  /** Tip of the task's branch in the repository. */
  now: string;
  imported: string;
}

async function stateOf(git: Git, clone: Checkout): Promise<State> {
  const names = [branchRef(clone), importedRef(clone)];
  const format = "--format=%(refname)%00%(objectname)";
  const listed = textOf(await git(repositoryAt(clone), ["for-each-ref", format, "--end-of-options", ...names]));
  const commits = new Map(listed.split("\n").map((line) => line.split("\0") as [string, string]));
  const [now = NO_COMMIT, imported = NO_COMMIT] = names.map((ref) => commits.get(ref));
  return { now, imported };
}

/** Takes several minutes for work of gigabytes; and an agent may have made the other end wait for ever. */
const FETCH_TIMEOUT_MS = 10 * 60_000;

async function fetchCommits(git: Git, clone: Checkout, commits: readonly string[]): Promise<void> {
  if (commits.length === 0) return;
  const { dir, commonDir } = clone;
  await importLargeFiles(clone);
  const options = ["--quiet", "--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--no-prune"];
  await git(repositoryAt(clone), ["fetch", ...options, "--no-auto-maintenance", "--", dir, ...commits], {
    // Version 2 lets a commit be asked for that is on no branch.
    config: ["protocol.version=2", "fetch.fsckObjects=true"],
    source: { dir, shallowFile: join(commonDir, "shallow") },
    timeoutMs: FETCH_TIMEOUT_MS,
  });
}

async function mayFollow(git: Git, clone: Checkout, { now, imported, tip }: State & { tip: string }) {
  if (now === NO_COMMIT || now === imported) return true;
  const at = repositoryAt(clone);
  return (imported !== NO_COMMIT && (await isAncestor(git, at, now, imported))) || isAncestor(git, at, now, tip);
}

/** Everything that a clone's owner may have committed to, as commits; mirrored branches are not its own. */
async function tipsOf(git: Git, clone: Checkout): Promise<string[]> {
  const at = locationOf(clone);
  const format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)";
  const patterns = ["refs/heads", "refs/tags", "refs/stash"];
  const listed = textOf(await git(at, ["for-each-ref", format, "--end-of-options", ...patterns]));
  const lines = listed.split("\n").map((line) => line.split(" "));
  const tips = lines.flatMap(([type, id = "", peeledType, peeled = ""]) => {
    if (type === "commit") return [id];
    return peeledType === "commit" ? [peeled] : [];
  });
  if (!lines.some((fields) => fields.at(-1) === "refs/stash")) return tips;
  // Of several stashes only the log knows.
  const stashes = textOf(await git(at, ["rev-list", "--walk-reflogs", "--end-of-options", "refs/stash"]));
  return [...tips, ...stashes.split("\n").filter((id) => id !== "")];
}

async function knownCommits(git: Git, clone: Checkout): Promise<Set<string>> {
  const format = "--format=%(objectname)%0a%(*objectname)";
  const patterns = ["refs/heads", "refs/tags", "refs/remotes"];
  return new Set(
    textOf(await git(repositoryAt(clone), ["for-each-ref", format, "--end-of-options", ...patterns])).split("\n"),
  );
}

async function isReachable(git: Git, clone: Checkout, commit: string): Promise<boolean> {
  const others = ["--not", "--branches", "--tags", "--remotes", "--glob=refs/makima/salvage"];
  return textOf(await git(repositoryAt(clone), ["rev-list", "--max-count=1", commit, ...others])) !== commit;
}
