import assert from "node:assert/strict";
import { chmod, mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { exists } from "../../platform/files.ts";
import { removeAdded, resetHead, restoreTracked } from "./restore.ts";
import { snapshotTree } from "./snapshot.ts";

test("puts changed and deleted files back, and leaves new ones", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "b.txt": "b\n", "dir/c.txt": "c\n", file: "f\n" });
  const checkout = await makeCheckout(r);
  const here = (path: string): string => join(checkout.dir, path);
  await writeFiles(checkout.dir, { "untracked.txt": "the agent's\n", "a.txt": "the agent's\n" });
  const before = await snapshotTree(r.git, checkout);
  assert.deepEqual(await restoreTracked(r.git, checkout, before.tree), []);

  const outside = join(r.root, "outside");
  await mkdir(outside);
  await writeFiles(checkout.dir, { "a.txt": "the check's\n", "built/out.txt": "built\n" });
  await chmod(here("b.txt"), 0o755);
  await rm(here("dir"), { recursive: true });
  await symlink(outside, here("dir"));
  await rm(here("file"));
  await writeFiles(checkout.dir, { "file/inner": "i\n" });
  await rm(here("untracked.txt"));
  const touched = await restoreTracked(r.git, checkout, before.tree);
  assert.deepEqual(touched, ["a.txt", "b.txt", "dir/c.txt", "file", "untracked.txt"]);
  assert.equal(await readFile(here("a.txt"), "utf8"), "the agent's\n");
  assert.equal(await readFile(here("file"), "utf8"), "f\n");
  assert.deepEqual(await readdir(outside), []);
  assert.ok(await exists(here("built/out.txt")));
  await rm(here("built"), { recursive: true });
  assert.equal((await snapshotTree(r.git, checkout)).tree, before.tree);
});

test("removes what came in since, but nothing ignored or nested", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", ".gitignore": "*.log\n" });
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "untracked.txt": "the agent's\n" });
  const before = await snapshotTree(r.git, checkout);
  await removeAdded(r.git, checkout, before.tree);
  await writeFiles(checkout.dir, { "built/out.txt": "built\n", "a.txt": "changed\n", "cache.log": "l\n" });
  await removeAdded(r.git, checkout, before.tree);
  assert.deepEqual((await readdir(checkout.dir)).toSorted(), [
    ".git",
    ".gitignore",
    "a.txt",
    "cache.log",
    "untracked.txt",
  ]);
  assert.equal(await readFile(join(checkout.dir, "a.txt"), "utf8"), "changed\n");
  await restoreTracked(r.git, checkout, before.tree);
  assert.deepEqual(await snapshotTree(r.git, checkout), before);
});

test("puts HEAD back where a check moved it from", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  const { dir } = checkout;
  await writeFile(join(dir, "a.txt"), "two\n");
  const before = await snapshotTree(r.git, checkout);
  const moves: string[][] = [
    ["commit", "--quiet", "--all", "--message=By the check"],
    ["checkout", "--quiet", "--detach", "HEAD"],
    ["checkout", "--quiet", "-b", "elsewhere"],
    ["update-ref", "-d", "refs/heads/makima/goal/task-1"],
  ];
  for (const move of moves) {
    r.run(dir, ...move);
    if (move[0] === "checkout") r.run(dir, "commit", "--quiet", "--allow-empty", "--message=By the check");
    assert.equal(await resetHead(r.git, checkout, before.head), true);
    assert.deepEqual(await snapshotTree(r.git, checkout), before, move.join(" "));
  }
  assert.equal(await resetHead(r.git, checkout, before.head), false);
});

test("moves no branch but the task's", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  const { dir } = checkout;
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=On the branch");
  r.run(dir, "checkout", "--quiet", "-b", "elsewhere", r.base);
  const before = await snapshotTree(r.git, checkout);
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=By the check");
  const moved = r.run(dir, "rev-parse", "HEAD");
  await resetHead(r.git, checkout, before.head);
  assert.deepEqual(await snapshotTree(r.git, checkout), { ...before, ref: null });
  assert.equal(r.run(dir, "rev-parse", "elsewhere"), moved);
});
