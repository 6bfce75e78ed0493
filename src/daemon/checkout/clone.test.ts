import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { openCheckout } from "./checkout.ts";
import { finalCommit } from "./final-commit.ts";
import { removeCheckout } from "./remove.ts";
import { checkpoint, snapshotTree } from "./snapshot.ts";

const { missing: skip } = await bubblewrapHere();
const kind = "clone";
const branch = "makima/goal/task-1";

test("a clone shows the repository under the names that a worktree shows it", { skip }, async () => {
  await using r = await openTestRepository();
  const { dir: main, base } = r;
  r.run(main, "tag", "--annotate", "--message=One", "v1");
  r.run(main, "update-ref", "refs/remotes/origin/main", base);
  r.run(main, "update-ref", "refs/remotes/origin/origin-only/deep", base);
  r.run(main, "branch", "origin/origin-only");
  const integration = r.run(main, "commit-tree", "-p", base, "-m", "Others", `${base}^{tree}`);
  r.run(main, "branch", "makima/goal/integration", integration);
  const before = await hashRepository(main);
  const checkout = await makeCheckout(r, { kind });
  const { dir } = checkout;
  assert.deepEqual(await openCheckout(dir), checkout);
  assert.equal(r.run(dir, "status", "--porcelain", "--branch"), `## ${branch}`);
  assert.equal(r.run(dir, "describe", "HEAD"), "v1");
  assert.equal(r.run(dir, "diff", "--stat", "main", "origin/main"), "");
  assert.equal(r.run(dir, "rev-parse", "origin/origin-only"), base);
  r.run(dir, "merge", "--quiet", "makima/goal/integration");
  assert.equal(r.run(dir, "rev-parse", "HEAD"), integration);
  assert.equal(await hashRepository(main), before);
  r.run(main, "commit", "--quiet", "--allow-empty", "--message=Second");
  r.run(dir, "fetch", "--quiet");
  assert.equal(r.run(dir, "log", "-1", "--format=%s", "main"), "Second");
  assert.equal(existsSync(join(r.commonDir, "worktrees")), false);
});

test("a clone bears every git command, and what it comes to is in the repository", { skip }, async () => {
  await using r = await openTestRepository();
  const before = await hashRepository(r.dir);
  const checkout = await makeCheckout(r, { kind });
  const { dir } = checkout;
  await writeFiles(dir, { "new.txt": "n\n" });
  r.run(dir, "add", "--all");
  r.run(dir, "commit", "--quiet", "--message=Work");
  r.run(dir, "commit", "--quiet", "--amend", "--message=Better work");
  await writeFiles(dir, { "stashed.txt": "s\n" });
  r.run(dir, "stash", "--include-untracked");
  r.run(dir, "stash", "pop");
  r.run(dir, "config", "core.fsmonitor", "false");
  r.run(dir, "gc", "--quiet", "--prune=now");
  const snapshot = await snapshotTree(r.git, checkout);
  const { ref, commit } = await checkpoint(r.git, checkout, { n: 1, snapshot, message: "First\n" });
  assert.equal(r.run(r.dir, "rev-parse", ref), commit);
  assert.equal(r.run(r.dir, "ls-tree", "--name-only", ref), "a.txt\nnew.txt\nstashed.txt");
  assert.equal(r.run(r.dir, "log", "-1", "--format=%s", branch), "Better work");
  const done = await finalCommit(r.git, checkout, { message: "Done\n" });
  assert.equal(r.run(r.dir, "rev-parse", branch), done.head);
  assert.equal(r.run(r.dir, "log", "-1", "--format=%an <%ae> %s", branch), "Ada <ada@example.com> Done");
  assert.equal(r.run(dir, "status", "--porcelain"), "");
  assert.deepEqual(await removeCheckout(r.git, dir, { deleteBranch: "keep" }), {
    salvage: null,
    branchDeleted: false,
  });
  assert.equal(r.run(r.dir, "fsck", "--no-dangling"), "");
  assert.deepEqual(await readdir(r.worktrees), [".trash"]);
  assert.equal(r.run(r.dir, "for-each-ref", "--format=%(refname)", "refs/makima"), ref);
  assert.equal(await hashRepository(r.dir), before);
});

test(
  "a clone stores a file as the repository's own configuration says, and not as the agent's does",
  { skip },
  async () => {
    await using r = await openTestRepository({ ".gitattributes": "*.up filter=up\n", "a.up": "ONE\n" });
    r.run(r.dir, "config", "core.autocrlf", "input");
    r.run(r.dir, "config", "filter.up.clean", "tr a-z A-Z");
    r.run(r.dir, "config", "filter.up.smudge", "tr A-Z a-z");
    await writeFile(join(r.commonDir, "info", "exclude"), "secret\n");
    await writeFile(join(r.commonDir, "info", "attributes"), "*.bin -text\n");
    const files = { "a.up": "two\n", "crlf.txt": "1\r\n2\r\n", "b.bin": "1\r\n", secret: "s\n" };
    const worktree = await makeCheckout(r);
    const clone = await makeCheckout(r, { kind, dir: `${worktree.dir}-clone`, branch: `${branch}-clone` });
    assert.equal(await readFile(join(clone.dir, "a.up"), "utf8"), "one\n");
    for (const { dir } of [worktree, clone]) await writeFiles(dir, files);
    r.run(clone.dir, "config", "filter.up.clean", "cat");
    r.run(clone.dir, "config", "core.autocrlf", "false");
    const [expected, { tree }] = [await snapshotTree(r.git, worktree), await snapshotTree(r.git, clone)];
    assert.equal(tree, expected.tree);
  },
);

test(
  "a clone is made of a shallow repository, a bare one, and one of another hash, and gives work back",
  { skip },
  async () => {
    await using r = await openTestRepository();
    r.run(r.dir, "commit", "--quiet", "--allow-empty", "--message=Second");
    r.run(r.root, "clone", "--quiet", "--depth=1", `file://${r.dir}`, "shallow");
    r.run(r.root, "clone", "--quiet", "--bare", r.dir, "bare.git");
    r.run(join(r.root, "bare.git"), "worktree", "add", "--quiet", join(r.root, "linked"), "main");
    r.run(r.root, "init", "--quiet", "--object-format=sha256", "sha256");
    r.run(join(r.root, "sha256"), "commit", "--quiet", "--allow-empty", "--message=First");
    for (const [name, git] of [
      ["shallow", "shallow/.git"],
      ["linked", "bare.git"],
      ["sha256", "sha256/.git"],
    ] as const) {
      const repository = { topLevel: join(r.root, name), commonDir: join(r.root, git) };
      const baseCommit = r.run(repository.topLevel, "rev-parse", "HEAD");
      const checkout = await makeCheckout(r, { kind, repository, baseCommit });
      await writeFiles(checkout.dir, { "new.txt": "n\n" });
      const { head } = await finalCommit(r.git, checkout, { message: "Work\n" });
      assert.equal(r.run(repository.topLevel, "show", `${head}:new.txt`), "n", name);
      await removeCheckout(r.git, checkout.dir, { deleteBranch: "keep" });
      r.run(repository.topLevel, "fsck");
    }
  },
);

test("a clone that was deleted is made again from the branch", { skip }, async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r, { kind });
  await writeFiles(checkout.dir, { "work.txt": "w\n" });
  const { head } = await finalCommit(r.git, checkout, { message: "Work\n" });
  await rm(checkout.dir, { recursive: true });
  assert.deepEqual(await makeCheckout(r, { kind }), checkout);
  assert.equal(r.run(checkout.dir, "rev-parse", "HEAD"), head);
  assert.equal(await readFile(join(checkout.dir, "work.txt"), "utf8"), "w\n");
});

test("a clone takes the place of a worktree, and the other way round, with all that was in it", { skip }, async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  await writeFiles(dir, { "a.txt": "two\n" });
  r.run(dir, "commit", "--quiet", "--all", "--message=In the worktree");
  await writeFiles(dir, { "first.txt": "1\n" });
  assert.equal((await makeCheckout(r, { kind })).kind, "clone");
  assert.equal(r.run(r.dir, "worktree", "list", "--porcelain").split("\n\n").length, 1);
  assert.equal(await readFile(join(dir, "first.txt"), "utf8"), "1\n");
  await symlink("a.txt", join(dir, "link"));
  assert.equal((await makeCheckout(r)).kind, "worktree");
  assert.equal(r.run(dir, "ls-tree", "--name-only", branch), "a.txt\nfirst.txt\nlink");
  assert.equal(r.run(dir, "status", "--porcelain"), "");
  assert.deepEqual((await readdir(r.worktrees)).toSorted(), [".trash", "task-1", "task-1.json"]);
  assert.equal(r.run(r.dir, "for-each-ref", "refs/makima"), "");
});
