import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, openTestRepository, writeFiles } from "../support/repository.ts";
import { checkoutOfTask, NEVER, openWorktrees } from "../support/worktrees.ts";
import type { WorktreesBench } from "../support/worktrees.ts";

test("a worktree that was deleted by hand is forgotten, and its commits are kept", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "task");
  r.run(dir, "checkout", "--quiet", "--detach");
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Adrift");
  const adrift = r.run(dir, "rev-parse", "HEAD");
  await rm(dir, { recursive: true });
  assert.equal(await cleanUp(bench), null);
  assert.equal(r.run(r.dir, "rev-parse", "refs/makima/salvage/task/checkout"), adrift);
  await requireNothing(bench);
});

test("a worktree that was moved by hand is the person's from then on", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "task");
  await writeFile(join(dir, "new.txt"), "new\n");
  const mine = join(r.root, "mine");
  r.run(r.dir, "worktree", "move", dir, mine);
  assert.equal(await cleanUp(bench), null);
  assert.deepEqual(await readdir(r.worktrees), []);
  assert.equal(r.run(mine, "status", "--porcelain"), "?? new.txt");
  r.run(mine, "add", "--all");
  r.run(mine, "commit", "--quiet", "--message=Mine");
  assert.equal(r.run(r.dir, "show", "makima/goal/task:new.txt"), "new");
});

test("a worktree with open files goes, and whoever has them open is not disturbed", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "task");
  await using file = await open(join(dir, "log"), "w+");
  await file.write("before\n");
  assert.equal(await cleanUp(bench), null);
  await file.write("after\n");
  const { buffer } = await file.read({ buffer: Buffer.alloc(20), position: 0 });
  assert.match(buffer.toString(), /^before\nafter\n/);
  assert.equal(r.run(r.dir, "show", "refs/makima/salvage/task/checkout:log"), "before");
  await requireNothing(bench);
});

test("a worktree whose repository is gone stays with all that is in it, and goes when the repository is back", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "task");
  await writeFile(join(dir, "new.txt"), "new\n");
  await rename(r.dir, join(r.root, "unplugged"));
  const error = await cleanUp(bench);
  assert.equal(error?.code, "conflict");
  assert.match(error?.message ?? "", /repository .* is gone/);
  assert.equal(await readFile(join(dir, "new.txt"), "utf8"), "new\n");
  await rename(join(r.root, "unplugged"), r.dir);
  assert.equal(await cleanUp(bench), null);
  assert.equal(r.run(r.dir, "show", "refs/makima/salvage/task/checkout:new.txt"), "new");
  await requireNothing(bench);
});

test("a worktree without a directory whose repository is gone is forgotten: nothing of it is left to lose", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "task");
  await rm(dir, { recursive: true });
  await rm(r.dir, { recursive: true });
  assert.equal(await cleanUp(bench), null);
  assert.deepEqual(await readdir(r.worktrees), []);
});

test("a link in a worktree's place is not followed, nor removed", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  await using other = await openTestRepository({ "precious.txt": "x\n" });
  const before = await hashRepository(other.dir);
  const { dir } = await checkoutOfTask(r, "task");
  await rm(dir, { recursive: true });
  await symlink(other.dir, dir);
  assert.equal((await cleanUp(bench))?.code, "conflict");
  assert.equal(r.run(dir, "rev-parse", "HEAD"), other.base);
  assert.equal(await hashRepository(other.dir), before);
  const { worktrees } = await bench.carryOut({ kind: "ListWorktrees", salvaged: false, wanted: [] });
  assert.deepEqual(
    worktrees.map(({ state, reason }) => [state, reason !== null]),
    [["unfinished", true]],
  );
});

test("directories beside worktrees that makima did not make are never touched", async () => {
  await using bench = await openWorktrees({ orphanGraceMs: 0 });
  const { repository: r } = bench;
  await checkoutOfTask(r, "task");
  await writeFiles(r.worktrees, { "task-12345678/file": "x", "theirs.json": "{}", ".hidden/file": "x" });
  await mkdir(join(r.worktrees, "empty"));
  r.run(r.dir, "worktree", "add", "--quiet", "--detach", join(r.worktrees, "my-own"));
  assert.equal(await cleanUp(bench), null);
  bench.worktrees.welcomed(["task", "task-12345678", "my-own", "empty"]);
  await bench.carryOut({ kind: "CleanWorktrees", tasks: null, wanted: [], dryRun: false });
  await bench.restart();
  const left = (await readdir(r.worktrees)).filter((name) => !/^\.(trash|orphans)/.test(name)).toSorted();
  assert.deepEqual(left, [".hidden", "empty", "my-own", "task-12345678", "theirs.json"]);
  assert.ok(existsSync(join(r.worktrees, "my-own", ".git")));
  assert.equal(r.run(join(r.worktrees, "my-own"), "status", "--porcelain"), "");
});

function cleanUp({ worktrees }: WorktreesBench) {
  return worktrees.cleanUp({ kind: "CleanupWorktree", contractId: "contract", taskIds: ["task"] }, NEVER);
}

async function requireNothing({ repository: r }: WorktreesBench): Promise<void> {
  const left = (await readdir(r.worktrees, { recursive: true })).filter((name) => name !== ".trash");
  assert.deepEqual(left, []);
  assert.equal(r.run(r.dir, "worktree", "list", "--porcelain").split("\n\n").length, 1);
}
