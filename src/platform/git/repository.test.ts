import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { inspectRepository, readFileAt } from "./repository.ts";

test("tells where a repository is, its base, and how dirty it is", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "b.txt": "b\n", "deep/c.txt": "c\n" });
  await writeFiles(r.dir, { "a.txt": "two\n", "new/x.txt": "x\n", "new/y z.txt": "y\n" });
  r.run(r.dir, "mv", "b.txt", "moved.txt");
  const before = await hashRepository(r.dir);
  assert.deepEqual(await inspectRepository(r.git, join(r.dir, "deep")), {
    topLevel: r.dir,
    commonDir: r.commonDir,
    baseCommit: r.base,
    baseName: "main",
    branch: "main",
    // a.txt, both ends of the move, and two new files.
    dirtyFiles: 5,
  });
  assert.equal(await hashRepository(r.dir), before);
});

test("a base is any name of a commit", async () => {
  await using r = await openTestRepository();
  r.run(r.dir, "tag", "--annotate", "--message=v1", "v1");
  await writeFiles(r.dir, { "a.txt": "two\n" });
  r.run(r.dir, "commit", "--quiet", "--all", "--message=Second");
  for (const base of ["v1", "HEAD~1", r.base.slice(0, 10), "main^"]) {
    const found = await inspectRepository(r.git, r.dir, base);
    assert.deepEqual([found.baseCommit, found.baseName, found.branch], [r.base, base, "main"]);
  }
  r.run(r.dir, "branch", "--quiet", "side");
  assert.equal((await inspectRepository(r.git, r.dir, "side")).branch, "side");
  r.run(r.dir, "checkout", "--quiet", "--detach", r.base);
  const detached = await inspectRepository(r.git, r.dir);
  assert.deepEqual([detached.baseName, detached.branch], [r.base.slice(0, 12), null]);
});

test("an unknown base is refused, whatever it looks like", async () => {
  await using r = await openTestRepository();
  const nonsense = ["nope", "", "--detach", "-", "HEAD:a.txt", "HEAD..main", "main\nmain", "main\0", "@{9}", "*"];
  for (const base of nonsense) {
    await assert.rejects(inspectRepository(r.git, r.dir, base), { code: "base_unknown" }, base);
  }
});

test("what is no usable repository is named as what it is", async () => {
  await using r = await openTestRepository();
  const bare = join(r.root, "bare.git");
  const empty = join(r.root, "empty");
  const plain = join(r.root, "plain");
  const broken = join(r.root, "line\nbreak");
  r.run(r.root, "init", "--quiet", "--bare", bare);
  r.run(r.root, "init", "--quiet", empty);
  r.run(r.root, "init", "--quiet", broken);
  await mkdir(plain);
  const expected: [string, RegExp][] = [
    [bare, /is a bare repository/],
    [empty, /has no commit yet/],
    [plain, /is not in a git repository/],
    [broken, /line break/],
    [join(r.root, "nowhere"), /There is no directory/],
    [join(r.dir, "a.txt"), /is not a directory/],
    [r.commonDir, /not inside a checkout/],
  ];
  for (const [dir, message] of expected) {
    await assert.rejects(inspectRepository(r.git, dir), { code: "repository_invalid", message }, dir);
  }
});

test("a linked worktree of a bare repository is as good as any", async () => {
  await using r = await openTestRepository();
  r.run(r.root, "clone", "--quiet", "--bare", r.dir, "bare.git");
  const dir = join(r.root, "linked");
  r.run(join(r.root, "bare.git"), "worktree", "add", "--quiet", dir, "main");
  const found = await inspectRepository(r.git, dir);
  assert.deepEqual([found.topLevel, found.commonDir], [dir, join(r.root, "bare.git")]);
});

test("reads a file of a commit, not of the checkout", async () => {
  await using r = await openTestRepository({ ".makima.toml": "old\n", "dir/file": "x", empty: "" });
  await writeFile(join(r.dir, ".makima.toml"), "new\n");
  const at = { cwd: r.dir };
  assert.equal(String(await readFileAt(r.git, at, r.base, ".makima.toml")), "old\n");
  assert.equal(String(await readFileAt(r.git, at, r.base, "empty")), "");
  assert.equal(await readFileAt(r.git, at, r.base, "nope"), null);
  assert.equal(await readFileAt(r.git, at, r.base, "dir"), null);
});
