import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { finalCommit } from "./final-commit.ts";
import { withTreeApart } from "./private-index.ts";
import { removeCheckout } from "./remove.ts";
import { checkpoint, snapshotTree } from "./snapshot.ts";

const { missing: skip } = await bubblewrapHere();
const branch = "makima/goal/task-1";

/** What an agent may do to `.git`; `main` is the person's. */
type Damage = (git: (path: string) => string, main: string) => unknown;

const fifo = (path: string): void => void execFileSync("/bin/sh", ["-c", 'mkfifo "$1"', "sh", path]);

async function replace(path: string, by: (path: string) => unknown): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await by(path);
}

const DAMAGES: Record<string, Damage> = {
  ".git is gone": (git) => rm(git(""), { recursive: true }),
  ".git leads to the person's": (git, main) => replace(git(""), (path) => symlink(main, path)),
  ".git names the person's": (git, main) => replace(git(""), (path) => writeFile(path, `gitdir: ${main}\n`)),
  ".git is a FIFO": (git) => replace(git(""), fifo),
  "HEAD leads to the person's": (git, main) => replace(git("HEAD"), (path) => symlink(join(main, "HEAD"), path)),
  "HEAD is a FIFO": (git) => replace(git("HEAD"), fifo),
  "HEAD is nonsense": (git) => writeFile(git("HEAD"), "nonsense"),
  "config is a FIFO": (git) => replace(git("config"), fifo),
  "config is a directory": (git) => replace(git("config"), (path) => mkdir(path)),
  "objects lead to the person's": (git, main) => {
    return replace(git("objects"), (path) => symlink(join(main, "objects"), path));
  },
  "objects are gone": (git) => replace(git("objects"), (path) => mkdir(path)),
  "refs lead to the person's": (git, main) => replace(git("refs"), (path) => symlink(join(main, "refs"), path)),
  "the branch is a FIFO": (git) => replace(git(`refs/heads/${branch}`), fifo),
  "the list of refs is a FIFO": (git) => replace(git("packed-refs"), fifo),
  "nobody may enter .git": (git) => chmod(git(""), 0),
};

test(
  "a clone whose .git an agent has broken is given a new one, keeps every file, and leaves all else alone",
  { skip },
  async () => {
    await using r = await openTestRepository();
    const before = await hashRepository(r.dir);
    const clone = await makeCheckout(r, { kind: "clone" });
    r.run(clone.dir, "commit", "--quiet", "--allow-empty", "--message=Imported");
    const imported = r.run(clone.dir, "rev-parse", "HEAD");
    const first = await snapshotTree(r.git, clone);
    await checkpoint(r.git, clone, { n: 1, snapshot: first, message: "First\n" });
    for (const [name, damage] of Object.entries(DAMAGES)) {
      await writeFiles(clone.dir, { "work.txt": name });
      await damage((path) => join(clone.gitDir, path), r.commonDir);
      const { head, ref, tree } = await snapshotTree(r.git, clone);
      assert.deepEqual([head, ref], [imported, `refs/heads/${branch}`], name);
      assert.equal(r.run(clone.dir, "show", `${tree}:work.txt`), name);
      assert.equal(r.run(clone.dir, "status", "--porcelain"), "?? work.txt", name);
    }
    const { head } = await finalCommit(r.git, clone, { message: "Done\n" });
    assert.equal(r.run(r.dir, "rev-parse", branch), head);
    assert.equal(r.run(r.dir, "log", "--format=%s", branch), "Done\nImported\nFirst");
    await removeCheckout(r.git, clone.dir, { deleteBranch: "keep" });
    assert.deepEqual(await readdir(r.worktrees), [".trash"]);
    assert.equal(await hashRepository(r.dir), before);
  },
);

test("a clone whose .git an agent has broken is no obstacle where only the index is of no use", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  const index = join(clone.gitDir, "index");
  r.run(clone.dir, "commit", "--quiet", "--allow-empty", "--message=Not imported");
  const head = r.run(clone.dir, "rev-parse", "HEAD");
  const precious = join(r.root, "precious");
  await writeFile(precious, "keep me\n");
  for (const by of [fifo, (path: string) => mkdir(join(path, "inner"), { recursive: true }), link, loop]) {
    await writeFiles(clone.dir, { "new.txt": `${head} ${by.name}` });
    await replace(index, by);
    assert.equal((await snapshotTree(r.git, clone)).head, head);
  }
  const { commit } = await finalCommit(r.git, clone, { message: "Done\n" });
  assert.equal(r.run(r.dir, "rev-parse", `${commit}^`), head);
  assert.equal(r.run(clone.dir, "status", "--porcelain"), "");
  assert.equal(await readFile(precious, "utf8"), "keep me\n");

  function link(path: string): Promise<void> {
    return symlink(precious, path);
  }
  function loop(path: string): Promise<void> {
    return symlink("index", path);
  }
});

test("a clone whose .git an agent has broken is mended where HEAD is at what is no commit", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  const { dir } = clone;
  for (const name of ["HEAD^{tree}", "v1"]) {
    r.run(dir, "tag", "--annotate", "--force", "--message=One", "v1");
    const id = r.run(dir, "rev-parse", name);
    await writeFiles(dir, { ".git/HEAD": `${id}\n`, "new.txt": name });
    const { head } = await finalCommit(r.git, clone, { message: "Done\n" });
    assert.equal(r.run(r.dir, "show", `${branch}:new.txt`), name);
    assert.equal(r.run(dir, "rev-parse", "HEAD"), head);
  }
});

test("a clone whose .git an agent has closed is opened for the last commit", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  await writeFiles(clone.dir, { "new.txt": "n\n" });
  const closed = [join(clone.gitDir, "objects"), clone.gitDir];
  for (const path of closed) await chmod(path, 0o555);
  const { head } = await finalCommit(r.git, clone, { message: "Done\n" });
  assert.equal(r.run(r.dir, "show", `${head}:new.txt`), "n");
  // Seen by the modes: closed directories do not hold root back.
  const modes = await Promise.all(closed.map(async (path) => (await stat(path)).mode & 0o777));
  assert.deepEqual(modes, [0o755, 0o755]);
});

test("a clone whose .git an agent has broken is not touched while the agent may be at work", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  await rename(join(clone.gitDir, "HEAD"), join(clone.gitDir, "head"));
  const look = withTreeApart(r.git, { checkout: clone, scratch: r.root }, async ({ tree }) => tree);
  await assert.rejects(look, { code: "conflict" });
  await rename(join(clone.gitDir, "head"), join(clone.gitDir, "HEAD"));
  const tree = await withTreeApart(r.git, { checkout: clone, scratch: r.root }, async (work) => work.tree);
  assert.equal(tree, r.run(r.dir, "rev-parse", "HEAD^{tree}"));
});
