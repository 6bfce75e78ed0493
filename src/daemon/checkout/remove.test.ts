import assert from "node:assert/strict";
import { readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { TestRepository } from "../../../test/support/repository.ts";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { exists } from "../../platform/files.ts";
import { repositoryAt } from "./checkout.ts";
import { removeCheckout } from "./remove.ts";
import { keep } from "./salvage.ts";

const salvageRef = "refs/makima/salvage/task-1/checkout";

test("removes an unchanged checkout and its branch, and all trace of them", async () => {
  await using r = await openTestRepository();
  const before = await hashRepository(r.dir);
  const { dir } = await makeCheckout(r);
  assert.deepEqual(await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" }), {
    salvage: null,
    branchDeleted: true,
  });
  assert.deepEqual(await remains(r), { files: [".trash"], trash: [], branches: "", worktrees: 1 });
  assert.equal(await hashRepository(r.dir), before);
  assert.deepEqual(await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" }), {
    salvage: null,
    branchDeleted: false,
  });
});

test("keeps a branch that went on", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Work");
  const removed = await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" });
  assert.deepEqual(removed, { salvage: null, branchDeleted: false });
  assert.match((await remains(r)).branches, /makima\/goal\/task-1/);
});

test("keeps what was not committed under the salvage ref", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", ".gitignore": "ignored\n" });
  const { dir } = await makeCheckout(r);
  await writeFiles(dir, { "a.txt": "two\n", "new.txt": "n\n", ignored: "i\n" });
  const removed = await removeCheckout(r.git, dir, { deleteBranch: "keep" });
  assert.deepEqual(removed, { salvage: salvageRef, branchDeleted: false });
  assert.equal(r.run(r.dir, "show", `${salvageRef}:a.txt`), "two");
  assert.equal(r.run(r.dir, "ls-tree", "--name-only", salvageRef), ".gitignore\na.txt\nnew.txt");
  assert.equal(r.run(r.dir, "rev-parse", `${salvageRef}^`), r.base);
});

test("keeps commits on no branch, and what was salvaged before", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  await writeFiles(dir, { "first.txt": "1\n" });
  await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" });
  const first = r.run(r.dir, "rev-parse", salvageRef);
  await makeCheckout(r);
  r.run(dir, "checkout", "--quiet", "--detach");
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Adrift");
  const adrift = r.run(dir, "rev-parse", "HEAD");
  assert.equal((await removeCheckout(r.git, dir, { deleteBranch: "keep" })).salvage, salvageRef);
  const kept = r.run(r.dir, "rev-list", salvageRef).split("\n");
  assert.ok(kept.includes(first) && kept.includes(adrift));
});

test("keeps everything that is kept under one name at the same moment", async () => {
  await using r = await openTestRepository();
  const commits = Array.from({ length: 3 }, (_, index) => {
    return r.run(r.dir, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", `Work ${index}`);
  });
  await Promise.all(commits.map((commit) => keep(r.git, repositoryAt(r), salvageRef, commit)));
  const kept = new Set(r.run(r.dir, "rev-list", salvageRef).split("\n"));
  assert.deepEqual(
    commits.filter((commit) => !kept.has(commit)),
    [],
  );
});

test("deletes no repository that the agent made inside", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  r.run(dir, "init", "--quiet", "nested");
  await writeFile(join(dir, "nested", "file"), "x");
  await assert.rejects(removeCheckout(r.git, dir, { deleteBranch: "keep" }), { code: "conflict" });
  r.run(join(dir, "nested"), "add", "--all");
  r.run(join(dir, "nested"), "commit", "--quiet", "--message=Inner");
  await assert.rejects(removeCheckout(r.git, dir, { deleteBranch: "keep" }), { message: /\(nested\)/ });
  assert.ok(await exists(join(dir, "nested", "file")));
});

test("touches no directory but the one it made, and follows no link", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  const precious = join(r.root, "precious");
  await writeFiles(precious, { "file.txt": "keep me\n" });
  await assert.rejects(removeCheckout(r.git, precious, { deleteBranch: "keep" }), { code: "conflict" });
  await symlink(precious, join(dir, "link"));
  await rename(dir, `${dir}-aside`);
  await symlink(precious, dir);
  await assert.rejects(removeCheckout(r.git, dir, { deleteBranch: "keep" }), { code: "conflict" });
  await rm(dir);
  await rename(`${dir}-aside`, dir);
  await removeCheckout(r.git, dir, { deleteBranch: "keep" });
  assert.equal(await readFile(join(precious, "file.txt"), "utf8"), "keep me\n");
});

test("a directory that is gone already only leaves its traces to remove", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  await rm(dir, { recursive: true });
  assert.equal((await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" })).branchDeleted, true);
  assert.equal((await remains(r)).worktrees, 1);
});

test("an agent's broken .git does not hinder the removal", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  await writeFiles(dir, { ".git": "gitdir: /nowhere\n", "work.txt": "w\n" });
  assert.equal((await removeCheckout(r.git, dir, { deleteBranch: "keep" })).salvage, salvageRef);
  assert.equal(r.run(r.dir, "show", `${salvageRef}:work.txt`), "w");
});

async function remains(r: TestRepository) {
  return {
    files: await readdir(r.worktrees),
    trash: await readdir(join(r.worktrees, ".trash")).catch(() => []),
    branches: r.run(r.dir, "branch", "--list", "makima/*"),
    worktrees: r.run(r.dir, "worktree", "list", "--porcelain").split("\n\n").length,
  };
}
