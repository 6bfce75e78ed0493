import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { hashRepository, writeFiles } from "../../../test/support/repository.ts";
import { until } from "../../../test/support/until.ts";
import { checkoutOfTask, NEVER, openWorktrees } from "../../../test/support/worktrees.ts";
import type { WorktreesBench } from "../../../test/support/worktrees.ts";
import type { Checkout } from "../checkout/checkout.ts";

const HOUR = 60 * 60_000;
/** Between two looks after the worktrees. */
const LOOK = 10 * 60_000;

test("the worktrees of a contract that is over are removed with its caches, and what is in no branch is salvaged", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const before = await hashRepository(r.dir);
  const [first, second, other] = [
    await checkoutOfTask(r, "a"),
    await checkoutOfTask(r, "a", { branch: "makima/goal/a-again" }),
    await checkoutOfTask(r, "b"),
  ];
  await writeFiles(first.dir, { "new.txt": "new\n" });
  await writeFiles(join(r.root, "makima", "caches", "c", "npm"), { package: "x" });
  assert.equal(await cleanUp(bench, ["a"]), null);
  assert.deepEqual(
    [first, second, other].map(({ dir }) => existsSync(dir)),
    [false, false, true],
  );
  assert.equal(existsSync(join(r.root, "makima", "caches", "c")), false);
  assert.equal(r.run(r.dir, "show", "refs/makima/salvage/a/checkout:new.txt"), "new");
  assert.equal(r.run(r.dir, "branch", "--list", "--format=%(refname:short)", "makima/goal/a*").split("\n").length, 2);
  assert.equal(await hashRepository(r.dir), before);
  // Nothing is left to do, and that is no error.
  assert.equal(await cleanUp(bench, ["a"]), null);
});

test("the worktrees that cannot be removed keep no others from it, are told of with the reason, and are tried again", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const [nesting, replaced, fine] = [
    await checkoutOfTask(r, "a"),
    await checkoutOfTask(r, "b"),
    await checkoutOfTask(r, "c"),
  ];
  r.run(nesting.dir, "init", "--quiet", "inner");
  await writeFile(join(nesting.dir, "inner", "precious"), "x");
  await rename(replaced.dir, join(r.root, "elsewhere"));
  await writeFiles(replaced.dir, { "theirs.txt": "x" });
  const error = await cleanUp(bench, ["a", "b", "c"]);
  assert.equal(error?.code, "conflict");
  for (const { dir } of [nesting, replaced]) assert.ok(error?.message.includes(dir), error?.message);
  assert.match(error?.message ?? "", /^2 checkouts stay: .*not the directory that makima made/);
  assert.equal(existsSync(fine.dir), false);
  assert.ok(existsSync(join(nesting.dir, "inner", "precious")) && existsSync(join(replaced.dir, "theirs.txt")));
  const { worktrees } = await bench.carryOut({ kind: "ListWorktrees", salvaged: false, wanted: ["a", "b"] });
  const listed = worktrees.map(({ taskId, state, reason }) => `${taskId} ${state} ${reason?.includes("is not")}`);
  assert.deepEqual(listed.toSorted(), ["a kept true", "b unfinished true"]);
  await rm(join(nesting.dir, "inner"), { recursive: true });
  await rm(replaced.dir, { recursive: true });
  assert.equal(await cleanUp(bench, ["a", "b", "c"]), null);
  assert.deepEqual(await bench.worktrees.taskIds(), []);
});

test("the worktrees of a server's command are no paths", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  await writeFiles(join(r.root, "makima", "caches"), { "../precious": "x" });
  const error = await bench.worktrees.cleanUp({ kind: "CleanupWorktree", contractId: "../runs", taskIds: [] }, NEVER);
  assert.equal(error?.code, "invalid_request");
  assert.ok(existsSync(join(r.root, "makima", "precious")) && existsSync(join(r.root, "makima", "runs")));
});

test("the worktrees of unknown tasks go after the grace, when the server still does not know them, and no others", async () => {
  await using bench = await openWorktrees({ orphanGraceMs: 2 * HOUR });
  const { repository: r, clock } = bench;
  const dirs = new Map<string, Checkout>();
  for (const task of ["a", "b", "c"]) dirs.set(task, await checkoutOfTask(r, task));
  const there = () => [...dirs].filter(([, { dir }]) => existsSync(dir)).map(([task]) => task);
  await writeFiles(dirs.get("a")?.dir ?? "", { "new.txt": "new\n" });
  assert.deepEqual(await bench.worktrees.taskIds(), ["a", "b", "c"]);
  bench.worktrees.welcomed(["a", "b", "unheard-of"]);
  await markedAre(r.worktrees, ["a", "b"]);
  clock.advance(HOUR);
  await bench.restart();
  bench.worktrees.welcomed(["a"]);
  await markedAre(r.worktrees, ["a"]);
  assert.deepEqual(there(), ["a", "b", "c"]);
  // Time alone removes nothing: whether it is still an orphan, a server has to say in this daemon's life.
  await bench.restart();
  await until(() => clock.sleeping.length > 0, "it sleeps");
  clock.advance(HOUR);
  await until(() => clock.sleeping[0] === LOOK, "it has looked, and sleeps again");
  assert.deepEqual(there(), ["a", "b", "c"]);
  bench.worktrees.welcomed(["a"]);
  await until(() => there().join() === "b,c", "the orphan is swept");
  assert.equal(r.run(r.dir, "show", "refs/makima/salvage/a/checkout:new.txt"), "new");
  bench.worktrees.welcomed(["b"]);
  await markedAre(r.worktrees, ["b"]);
  clock.advance(2 * HOUR);
  await until(() => there().join() === "c", "a later sweep finds the other");
});

test("the worktrees' trash is emptied at the start, and whatever is beside it stays", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  await writeFiles(r.worktrees, { ".trash/a/b/file": "x", ".operations-other/one/file": "x", "theirs/file": "x" });
  await symlink(join(r.worktrees, "theirs"), join(r.worktrees, ".trash", "link"));
  await mkdir(join(r.worktrees, ".trash", "closed", "inner"), { recursive: true, mode: 0o500 });
  await bench.restart();
  await until(() => readdirSync(join(r.worktrees, ".trash")).length === 0, "the trash is empty");
  assert.ok(existsSync(join(r.worktrees, "theirs", "file")));
  assert.ok(existsSync(join(r.worktrees, ".operations-other", "one", "file")));
});

test("the worktrees' trash, where it is a link, is neither emptied nor used", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "a");
  const theirs = join(r.root, "theirs");
  await writeFiles(theirs, { precious: "x", [`${basename(dir)}/precious`]: "x" });
  await symlink(theirs, join(r.worktrees, ".trash"));
  await bench.restart();
  await until(() => bench.logged.some(({ msg }) => msg === "the trash cannot be emptied"), "it is told");
  assert.match((await cleanUp(bench, ["a"]))?.message ?? "", /\.trash is not the directory that makima made/);
  assert.deepEqual(readdirSync(theirs, { recursive: true }).length, 3);
  assert.ok(existsSync(dir));
});

test("the worktrees are measured at the start, and one that grows past the quota is told of", async () => {
  await using bench = await openWorktrees({ quotaBytes: 500_000 });
  const { dir } = await checkoutOfTask(bench.repository, "a");
  await bench.restart();
  const before = await until(() => bench.worktrees.usage(), "they are measured");
  assert.equal(before.quota, 500_000);
  assert.ok(before.bytes > 0 && before.bytes < 100_000);
  await writeFile(join(dir, "big"), Buffer.alloc(600_000, 1));
  await bench.restart();
  await until(() => (bench.worktrees.usage()?.bytes ?? 0) > 600_000, "they have grown");
  const warnings = () => bench.logged.filter(({ msg }) => msg.includes("quota")).length;
  await until(() => warnings() === 1, "it is told");
});

function cleanUp({ worktrees }: WorktreesBench, taskIds: string[]) {
  return worktrees.cleanUp({ kind: "CleanupWorktree", contractId: "c", taskIds }, NEVER);
}

async function markedAre(root: string, tasks: string[]): Promise<void> {
  const read = () => readFile(join(root, ".orphans.json"), "utf8").catch(() => "{}");
  await until(async () => Object.keys(JSON.parse(await read()) as object).join() === tasks.join(), "marks are written");
}
