import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { exists } from "../../platform/files.ts";
import { openCheckout } from "./checkout.ts";

test("makes a worktree on a new branch and leaves the person's checkout alone", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "dir/b.txt": "b\n" });
  await writeFiles(r.dir, { "a.txt": "dirty\n", "untracked.txt": "u\n" });
  const before = await hashRepository(r.dir);
  const checkout = await makeCheckout(r);
  assert.equal(await readFile(join(checkout.dir, "a.txt"), "utf8"), "one\n");
  assert.equal(r.run(checkout.dir, "symbolic-ref", "HEAD"), "refs/heads/makima/goal/task-1");
  assert.equal(r.run(checkout.dir, "rev-parse", "HEAD"), r.base);
  assert.equal(r.run(checkout.dir, "status", "--porcelain"), "");
  assert.equal(await hashRepository(r.dir), before);
  assert.deepEqual(await openCheckout(checkout.dir), checkout);
});

test("made again, it is the same checkout with the agent's work in it", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "work.txt": "w\n", ".git": "gitdir: /nowhere\n" });
  assert.deepEqual(await makeCheckout(r), checkout);
  assert.ok(await exists(join(checkout.dir, "work.txt")));
});

test("a deleted directory is made again from its branch", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "work.txt": "w\n" });
  r.run(checkout.dir, "add", "--all");
  r.run(checkout.dir, "commit", "--quiet", "--message=Work");
  await rm(checkout.dir, { recursive: true });
  await assert.rejects(openCheckout(checkout.dir), { code: "not_found" });
  assert.deepEqual(await makeCheckout(r), checkout);
  assert.equal(await readFile(join(checkout.dir, "work.txt"), "utf8"), "w\n");
});

test("a branch that an earlier run has left is gone on with, by a run that goes on with it", async () => {
  await using r = await openTestRepository();
  const branch = "makima/goal/task-1";
  const tree = r.run(r.dir, "rev-parse", "HEAD^{tree}");
  const earlier = r.run(r.dir, "commit-tree", "-p", r.base, "-m", "Earlier", tree);
  r.run(r.dir, "branch", branch, earlier);
  await writeFiles(r.dir, { "dirty.txt": "d\n" });
  await assert.rejects(makeCheckout(r), { code: "conflict" });
  const { dir, start } = await makeCheckout(r, { adoptBranch: true, includeChanges: true });
  assert.deepEqual([r.run(dir, "rev-parse", "HEAD"), start], [earlier, r.base]);
  assert.equal(await exists(join(dir, "dirty.txt")), false);
});

test("another directory in its place is not taken for it", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  await rename(dir, `${dir}-aside`);
  await mkdir(dir);
  await assert.rejects(makeCheckout(r), { code: "conflict" });
  await rm(dir, { recursive: true });
  await symlink(`${dir}-aside`, dir);
  await assert.rejects(openCheckout(dir), { code: "conflict" });
});

test("what cannot be made leaves nothing behind", async () => {
  await using r = await openTestRepository();
  const attempts: [string, () => Promise<unknown>, string][] = [
    ["branch taken", async () => makeCheckout(r, { branch: "main" }), "conflict"],
    ["bad branch", async () => makeCheckout(r, { branch: "--detach" }), "invalid_request"],
    ["missing base", async () => makeCheckout(r, { baseCommit: "0123456789".repeat(4) }), "git_failed"],
    [
      "not at the base",
      async () => makeCheckout(r, { baseCommit: "0123456789".repeat(4), includeChanges: true }),
      "usage",
    ],
  ];
  const before = await hashRepository(r.dir);
  for (const [name, attempt, code] of attempts) {
    await assert.rejects(attempt(), { code }, name);
    assert.deepEqual(await readdir(r.worktrees).catch(() => []), [], name);
    assert.equal(r.run(r.dir, "worktree", "list", "--porcelain").split("\n\n").length, 1, name);
    assert.equal(r.run(r.dir, "branch", "--list", "makima/*"), "", name);
  }
  await mkdir(join(r.worktrees, "task-1"), { recursive: true });
  await assert.rejects(makeCheckout(r), { code: "conflict" });
  assert.equal(await hashRepository(r.dir), before);
});

test("uncommitted changes come along as a commit by the person", async () => {
  await using r = await openTestRepository({
    "a.txt": "one\n",
    "gone.txt": "g\n",
    "run.sh": "r\n",
    ".gitignore": "*.log\n",
  });
  await writeFiles(r.dir, { "a.txt": "two\n", "new/n.txt": "n\n", "staged.txt": "s\n", "noise.log": "l\n" });
  await rm(join(r.dir, "gone.txt"));
  await chmod(join(r.dir, "run.sh"), 0o755);
  await symlink("a.txt", join(r.dir, "link"));
  r.run(r.dir, "add", "staged.txt");
  const before = await hashRepository(r.dir);
  const { dir } = await makeCheckout(r, { includeChanges: true });
  assert.equal(await hashRepository(r.dir), before);
  assert.equal(r.run(dir, "log", "--format=%an <%ae> %P"), `Ada <ada@example.com> ${r.base}\nAda <ada@example.com>`);
  assert.equal(r.run(dir, "status", "--porcelain"), "");
  const here = (path: string): string => join(dir, path);
  assert.equal(await readFile(here("a.txt"), "utf8"), "two\n");
  assert.equal(await readlink(here("link")), "a.txt");
  assert.equal((await lstat(here("run.sh"))).mode & 0o111, 0o111);
  assert.deepEqual(
    await Promise.all(["new/n.txt", "staged.txt", "gone.txt", "noise.log"].map((path) => exists(here(path)))),
    [true, true, false, false],
  );
});

test("a clean checkout has no changes to take along", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r, { includeChanges: true });
  assert.equal(r.run(dir, "rev-parse", "HEAD"), r.base);
});

test("changes that git cannot take in are refused, not left out", async () => {
  await using r = await openTestRepository();
  r.run(r.dir, "init", "--quiet", "nested");
  await writeFile(join(r.dir, "nested", "file"), "x");
  await assert.rejects(makeCheckout(r, { includeChanges: true }), { code: "conflict" });
});

test("works from a linked worktree of a bare repository, without any identity", async () => {
  await using r = await openTestRepository();
  await writeFile(join(r.root, ".gitconfig"), "");
  r.run(r.root, "clone", "--quiet", "--bare", r.dir, "bare.git");
  const topLevel = join(r.root, "linked");
  r.run(join(r.root, "bare.git"), "worktree", "add", "--quiet", topLevel, "main");
  await writeFiles(topLevel, { "new.txt": "n\n" });
  const repository = { topLevel, commonDir: join(r.root, "bare.git") };
  const { dir } = await makeCheckout(r, { repository, includeChanges: true });
  assert.equal(r.run(dir, "log", "-1", "--format=%an %P"), `makima ${r.base}`);
  assert.equal(r.run(topLevel, "status", "--porcelain"), "?? new.txt");
});
