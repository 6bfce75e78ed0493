import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkoutDirectory } from "../../src/daemon/checkout/checkout.ts";
import { createCheckout } from "../../src/daemon/checkout/create.ts";
import type { CheckoutSpec } from "../../src/daemon/checkout/create.ts";
import { exists } from "../../src/platform/files.ts";
import type { ShortLife } from "../fixtures/cleanup-killed.ts";
import { checkoutSpec, hashRepository, writeFiles } from "../support/repository.ts";
import type { WorktreesBench } from "../support/worktrees.ts";
import { openWorktrees } from "../support/worktrees.ts";
import type { Chance } from "./chance.ts";
import { clean, METHODS } from "./clean.ts";
import { DIRT, ENDS } from "./damage.ts";
import type { Effect, Victim } from "./damage.ts";

const fixture = fileURLToPath(new URL("../fixtures/cleanup-killed.ts", import.meta.url));

/** Where sequences happen, one after the other; each leaves nothing but branches and what was salvaged. */
export interface Ground extends AsyncDisposable {
  bench: WorktreesBench;
  precious: string;
  kinds: readonly ("worktree" | "clone")[];
  /** What must be the same after every sequence: the person's repository, and what lies outside. */
  hashes: () => Promise<string[]>;
}

export async function openGround(kinds: Ground["kinds"]): Promise<Ground> {
  const bench = await openWorktrees({ orphanGraceMs: 0 });
  const { repository: r } = bench;
  await writeFiles(r.dir, { ".gitignore": "ignored/\n" });
  r.run(r.dir, "add", "--all");
  r.run(r.dir, "commit", "--quiet", "--message=Ignore");
  // The person is in the middle of something.
  await writeFiles(r.dir, { "a.txt": "edited\n", "untracked.txt": "new\n" });
  const precious = join(r.root, "precious");
  await writeFiles(precious, { file: "keep me\n", "deep/file": "me too\n" });
  await mkdir(join(r.root, "saved"));
  return {
    bench,
    precious,
    kinds,
    hashes: () => Promise.all([hashRepository(r.dir), hashRepository(precious)]),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** Makes a checkout, does things to it, has it removed, and dies now and then; then proves that nothing is lost or left. */
export async function runSequence(ground: Ground, chance: Chance, taskId: string): Promise<void> {
  const { bench, kinds, precious } = ground;
  const { repository } = bench;
  const before = await ground.hashes();
  const spec = specOf(bench, taskId, chance.oneOf(kinds));
  if (chance.once(4)) await die(bench, { kind: "create", spec }, chance);
  const { dir, kind } = await createCheckout(repository.git, { ...spec, adoptBranch: true });
  const victim: Victim = { repository, kind, taskId, dir, precious, commits: [] };
  const end = await damage(victim, chance);
  if (end?.kind === "unremovable") {
    await requireRefusal(bench, victim, chance);
    await end.mend();
  }
  const gone = end?.kind === "gone";
  const blobs = gone ? [] : await blobsIn(dir);
  await remove(bench, victim, chance);
  // What was committed in a clone only, went where the clone went.
  await requireKept(victim, gone && kind === "clone" ? [] : [...blobs, ...victim.commits]);
  if (gone && end.to !== null) assert.ok(await exists(end.to), "what was moved away is still there");
  await requireNoneLeft(victim);
  assert.deepEqual(await ground.hashes(), before, "something outside was touched");
}

function specOf({ repository: r }: WorktreesBench, taskId: string, kind: "worktree" | "clone"): CheckoutSpec {
  const branch = `makima/goal/${taskId}`;
  return { ...checkoutSpec(r), taskId, branch, kind, dir: checkoutDirectory(r.worktrees, { taskId, branch }) };
}

/** A daemon does it that is killed at some moment, unless it is faster. Its git may go on for a while. */
async function die({ place }: WorktreesBench, work: ShortLife["work"], chance: Chance): Promise<void> {
  const life: ShortLife = { place, work, diesAfterMs: chance.below(LONGEST_LIFE_MS) };
  const { PATH = "", NODE_COMPILE_CACHE } = process.env;
  const env = NODE_COMPILE_CACHE === undefined ? { PATH } : { PATH, NODE_COMPILE_CACHE };
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, [fixture, JSON.stringify(life)], { env }, (error, _, stderr) => {
      if (error === null || error.signal === "SIGKILL") resolve();
      else reject(new Error(stderr));
    });
  });
}

/** Somewhat longer than a making or a removal takes on a machine that has nothing else to do. */
const LONGEST_LIFE_MS = 300;

async function damage(victim: Victim, chance: Chance): Promise<Effect | null> {
  const dirt = Object.values(DIRT);
  for (let count = chance.below(6); count > 0; count -= 1) await chance.oneOf(dirt)(victim, chance);
  const end = chance.once(2) ? await chance.oneOf(Object.values(ENDS))(victim, chance) : null;
  return end ?? null;
}

async function requireRefusal({ repository: { git }, worktrees }: WorktreesBench, victim: Victim, chance: Chance) {
  const { dir, taskId } = victim;
  const before = await lstat(dir, { bigint: true });
  const method = chance.oneOf(METHODS.filter((one) => one !== "sweep"));
  await clean(method, { git, worktrees, taskId, dir });
  const after = await lstat(dir, { bigint: true });
  assert.deepEqual([after.dev, after.ino], [before.dev, before.ino], `${method} has taken away what is to stay`);
  assert.ok(await exists(`${dir}.json`), `${method} has forgotten what is still there`);
}

async function remove(bench: WorktreesBench, { taskId, dir }: Victim, chance: Chance): Promise<void> {
  const { repository, worktrees } = bench;
  if (chance.once(3)) await die(bench, { kind: "clean", method: chance.oneOf(METHODS), taskId, dir }, chance);
  await clean(chance.oneOf(METHODS), { git: repository.git, worktrees, taskId, dir });
}

/** What every file that is not ignored, and every link, is as a blob. */
async function blobsIn(dir: string, path = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(dir, path), { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (inner === ".git" || entry.name === "ignored") continue;
    if (entry.isDirectory()) found.push(...(await blobsIn(dir, inner)));
    else
      found.push(blobId(entry.isSymbolicLink() ? await readlink(join(dir, inner)) : await readFile(join(dir, inner))));
  }
  return found;
}

function blobId(content: string | Buffer): string {
  const bytes = Buffer.from(content);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** Whether these objects can be reached from the task's branches, or what was salvaged of it. */
async function requireKept({ repository: r, taskId }: Victim, objects: string[]): Promise<void> {
  const refs = refsOf(r).filter((ref) => /^refs\/(heads|makima\/salvage)\//.test(ref) && ref.includes(`/${taskId}`));
  const reachable = r.run(r.dir, "rev-list", "--objects", ...refs, "main", "--").split("\n");
  const ids = new Set(reachable.map((line) => line.split(" ", 1)[0] ?? ""));
  assert.deepEqual(
    objects.filter((id) => !ids.has(id)),
    [],
    "lost",
  );
}

async function requireNoneLeft({ repository: r, taskId, dir }: Victim): Promise<void> {
  const left = (await readdir(r.worktrees, { recursive: true })).filter((path) => path.includes(basename(dir)));
  assert.deepEqual(left, [], "files are left");
  const listed = r.run(r.dir, "worktree", "list", "--porcelain").split("\n");
  assert.ok(!listed.includes(`worktree ${dir}`), "the repository still has the worktree");
  const kept = refsOf(r).filter((ref) => ref.startsWith("refs/makima/") && !ref.startsWith("refs/makima/salvage/"));
  assert.deepEqual(
    kept.filter((ref) => ref.includes(taskId)),
    [],
    "refs are left",
  );
}

function refsOf(r: WorktreesBench["repository"]): string[] {
  return r.run(r.dir, "for-each-ref", "--format=%(refname)").split("\n");
}
