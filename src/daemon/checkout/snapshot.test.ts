import assert from "node:assert/strict";
import { chmod, copyFile, readFile, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { TestRepository } from "../../../test/support/repository.ts";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { NO_COMMIT } from "../../platform/git/refs.ts";
import { checkpoint, snapshotTree } from "./snapshot.ts";

test("a snapshot is the tree of everything that is not ignored", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "gone.txt": "g\n", ".gitignore": "*.log\n" });
  const before = await hashRepository(r.dir);
  const checkout = await makeCheckout(r);
  const { dir } = checkout;
  const first = await snapshotTree(r.git, checkout);
  assert.deepEqual(first, {
    tree: treeAt(r, r.base),
    head: r.base,
    ref: "refs/heads/makima/goal/task-1",
    complete: true,
  });
  await writeFiles(dir, { "new/n.txt": "n\n", "noise.log": "l\n" });
  await rm(join(dir, "gone.txt"));
  await symlink("a.txt", join(dir, "link"));
  const { tree } = await snapshotTree(r.git, checkout);
  assert.equal(r.run(dir, "ls-tree", "-r", "--name-only", tree), ".gitignore\na.txt\nlink\nnew/n.txt");
  assert.equal(await hashRepository(r.dir), before);
});

test("every kind of change is seen, and its undoing", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "b.txt": "b\n" });
  const checkout = await makeCheckout(r);
  const a = join(checkout.dir, "a.txt");
  const { tree: start } = await snapshotTree(r.git, checkout);
  const seen = new Set([start]);
  const changes = [
    () => writeFile(a, "two\n"),
    () => chmod(a, 0o755),
    () => rm(a),
    () => symlink("b.txt", a),
    () => writeFile(join(checkout.dir, "empty"), ""),
  ];
  for (const [number, change] of changes.entries()) {
    await change();
    const { tree } = await snapshotTree(r.git, checkout);
    assert.ok(!seen.has(tree), `change ${number}`);
    seen.add(tree);
    assert.equal((await snapshotTree(r.git, checkout)).tree, tree, `after change ${number}`);
  }
  await rm(a);
  await rm(join(checkout.dir, "empty"));
  await writeFile(a, "one\n");
  assert.equal((await snapshotTree(r.git, checkout)).tree, start);
});

test("the agent's index and HEAD are only read", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "staged.txt": "s\n", "untracked.txt": "u\n" });
  r.run(checkout.dir, "add", "staged.txt");
  const index = await readFile(join(checkout.gitDir, "index"));
  await snapshotTree(r.git, checkout);
  await snapshotTree(r.git, checkout);
  assert.deepEqual(await readFile(join(checkout.gitDir, "index")), index);
  assert.equal(r.run(checkout.dir, "status", "--porcelain"), "A  staged.txt\n?? untracked.txt");
});

test("what the agent tracks against the ignore rules is followed", async () => {
  await using r = await openTestRepository({ ".gitignore": "*.log\n" });
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "a.log": "l\n" });
  await snapshotTree(r.git, checkout);
  r.run(checkout.dir, "add", "--force", "a.log");
  r.run(checkout.dir, "commit", "--quiet", "--message=Log");
  assert.equal((await snapshotTree(r.git, checkout)).tree, treeAt(r, "makima/goal/task-1"));
  r.run(checkout.dir, "rm", "--quiet", "--cached", "a.log");
  r.run(checkout.dir, "commit", "--quiet", "--message=No log");
  assert.equal((await snapshotTree(r.git, checkout)).tree, treeAt(r, r.base));
});

test("a change in the very second of the agent's last git add is seen", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  // With these settings only size and whole seconds count, as for two writes within one tick of the clock.
  r.run(r.dir, "config", "core.checkStat", "minimal");
  r.run(r.dir, "config", "core.trustctime", "false");
  const a = join(checkout.dir, "a.txt");
  const moment = Math.floor(Date.now() / 1000) - 100;
  await writeFile(a, "two\n");
  await utimes(a, moment, moment);
  r.run(checkout.dir, "add", "a.txt");
  await utimes(join(checkout.gitDir, "index"), moment, moment);
  await writeFile(a, "six\n");
  await utimes(a, moment, moment);
  const { tree } = await snapshotTree(r.git, checkout);
  assert.equal(r.run(checkout.dir, "show", `${tree}:a.txt`), "six");
});

test("stale locks, a torn index and a missing one do not matter", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "b.txt": "b\n" });
  const checkout = await makeCheckout(r);
  const inGitDir = (name: string): string => join(checkout.gitDir, name);
  await writeFile(inGitDir("index.lock"), "");
  await writeFiles(checkout.dir, { "a.txt": "two\n" });
  const { tree } = await snapshotTree(r.git, checkout);
  const kept = (await readdir(checkout.gitDir)).find((name) => name.startsWith("makima-index."));
  assert.ok(kept);
  await copyFile(inGitDir(kept), inGitDir("makima-index-in-use.1-1"));
  await writeFile(inGitDir("makima-index-in-use.1-1.lock"), "");
  await writeFile(inGitDir(kept), "torn");
  assert.equal((await snapshotTree(r.git, checkout)).tree, tree);
  await writeFile(inGitDir("index"), "torn");
  assert.equal((await snapshotTree(r.git, checkout)).tree, tree);
  await rm(inGitDir("index"));
  assert.equal((await snapshotTree(r.git, checkout)).tree, tree);
  const left = (await readdir(checkout.gitDir)).filter((name) => name.startsWith("makima-index"));
  assert.equal(left.length, 1);
});

test("snapshots at the same time agree", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  const snapshots = await Promise.all([1, 2, 3, 4].map(() => snapshotTree(r.git, checkout)));
  assert.equal(new Set(snapshots.map(({ tree }) => tree)).size, 1);
  assert.deepEqual(await snapshotTree(r.git, checkout), snapshots[0]);
});

test("whatever the agent did to .git, the pinned repository is read", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await rm(join(checkout.dir, ".git"));
  r.run(checkout.dir, "init", "--quiet");
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  const { head, tree } = await snapshotTree(r.git, checkout);
  assert.equal(head, r.base);
  assert.equal(r.run(r.dir, "ls-tree", "--name-only", tree), "a.txt\nnew.txt");
});

test("a nested repository without a commit is passed over and reported", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  r.run(checkout.dir, "init", "--quiet", "nested");
  await writeFiles(checkout.dir, { "nested/x": "x", "other.txt": "o\n" });
  const { complete, tree } = await snapshotTree(r.git, checkout);
  assert.equal(complete, false);
  assert.equal(r.run(checkout.dir, "ls-tree", "--name-only", tree), "a.txt\nother.txt");
});

test("a checkpoint is a commit by makima under its own ref, on no branch", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  const snapshot = await snapshotTree(r.git, checkout);
  const message = "--iteration 1\n";
  const { ref, commit } = await checkpoint(r.git, checkout, { n: 1, snapshot, message });
  assert.equal(ref, "refs/makima/checkpoints/task-1/1");
  assert.equal(r.run(r.dir, "rev-parse", ref), commit);
  assert.equal(
    r.run(r.dir, "log", "-1", "--format=%an|%s|%T|%P", ref),
    `makima|--iteration 1|${snapshot.tree}|${r.base}`,
  );
  assert.equal(r.run(checkout.dir, "rev-parse", "HEAD"), r.base);
  r.run(checkout.dir, "checkout", "--quiet", "--orphan", "fresh");
  const unborn = await snapshotTree(r.git, checkout);
  assert.deepEqual([unborn.head, unborn.ref], [NO_COMMIT, "refs/heads/fresh"]);
  await checkpoint(r.git, checkout, { n: 1, snapshot: unborn, message });
  assert.equal(r.run(r.dir, "log", "-1", "--format=%P", ref), "");
});

function treeAt(r: TestRepository, commit: string): string {
  return r.run(r.dir, "rev-parse", `${commit}^{tree}`);
}
