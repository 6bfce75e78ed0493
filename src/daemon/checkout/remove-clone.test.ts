import assert from "node:assert/strict";
import { chmod, mkdir, open, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { removeCheckout } from "./remove.ts";

const { missing: skip } = await bubblewrapHere();
const kind = "clone";
const salvage = "refs/makima/salvage/task-1/checkout";
const keep = { deleteBranch: "keep" } as const;

test("removing a clone keeps all that was committed in it, wherever that is, and what was not", { skip }, async () => {
  await using r = await openTestRepository();
  r.run(r.dir, "tag", "v1");
  const { dir } = await makeCheckout(r, { kind });
  const subjects = ["On the branch", "On another", "Tagged", "Adrift"];
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=On the branch");
  r.run(dir, "checkout", "--quiet", "-b", "other", r.base);
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=On another");
  r.run(dir, "checkout", "--quiet", "--detach", r.base);
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Tagged");
  r.run(dir, "tag", "--annotate", "--message=Mine", "mine");
  r.run(dir, "checkout", "--quiet", r.base);
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Adrift");
  for (const name of ["first", "second"]) {
    await writeFiles(dir, { [name]: name });
    r.run(dir, "stash", "--quiet", "--include-untracked", "--message", name);
  }
  await writeFiles(dir, { "left.txt": "l\n" });
  assert.equal((await removeCheckout(r.git, dir, keep)).salvage, salvage);
  assert.equal(r.run(r.dir, "log", "-1", "--format=%s", "makima/goal/task-1"), subjects[0]);
  assert.equal(r.run(r.dir, "show", `${salvage}:left.txt`), "l");
  const kept = r.run(r.dir, "log", "--format=%s", salvage, "makima/goal/task-1").split("\n");
  for (const subject of [...subjects, "On (no branch): first", "On (no branch): second"]) {
    assert.ok(kept.includes(subject), subject);
  }
  assert.deepEqual(r.run(r.dir, "for-each-ref", "--format=%(refname)").split("\n"), [
    "refs/heads/main",
    "refs/heads/makima/goal/task-1",
    salvage,
    "refs/tags/v1",
  ]);
});

test(
  "removing a clone keeps nothing that the repository has, and its branch only where that went on",
  { skip },
  async () => {
    await using r = await openTestRepository();
    r.run(r.dir, "branch", "other");
    const { dir } = await makeCheckout(r, { kind });
    r.run(dir, "checkout", "--quiet", "--detach", "other");
    r.run(dir, "tag", "here");
    const removed = await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" });
    assert.deepEqual(removed, { salvage: null, branchDeleted: true });
    assert.deepEqual(await readdir(r.worktrees), [".trash"]);
    assert.equal(r.run(r.dir, "for-each-ref", "refs/makima"), "");
  },
);

test("removing a clone refuses more branches than anybody makes", { skip }, async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r, { kind });
  const lines = Array.from({ length: 101 }, (_, index) => {
    return `commit refs/heads/b${index}\ncommitter A <a@b> ${index} +0000\ndata 0\nfrom ${r.base}\n`;
  });
  await writeFile(join(r.root, "stream"), lines.join("\n"));
  r.run(dir, "-c", `alias.import=!git fast-import --quiet <${join(r.root, "stream")}`, "import");
  await assert.rejects(removeCheckout(r.git, dir, keep), { code: "conflict", message: /101 branches/ });
});

test("removing a clone takes no notice of modes and open files, and follows no link", { skip }, async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", ".gitignore": "closed\n" });
  const { dir } = await makeCheckout(r, { kind });
  const precious = join(r.root, "precious");
  await writeFiles(precious, { file: "keep me\n" });
  await writeFiles(dir, { "closed/deep/file": "f\n" });
  await symlink(precious, join(dir, "closed", "link"));
  await chmod(join(dir, "closed", "deep"), 0o500);
  await chmod(join(dir, "closed"), 0o500);
  await using _file = await open(join(dir, "a.txt"));
  await rename(dir, `${dir}-aside`);
  await symlink(precious, dir);
  await assert.rejects(removeCheckout(r.git, dir, keep), { code: "conflict" });
  await rm(dir);
  await rename(`${dir}-aside`, dir);
  await removeCheckout(r.git, dir, keep);
  assert.deepEqual(await readdir(join(r.worktrees, ".trash")), []);
  assert.deepEqual(await readdir(precious), ["file"]);
});

test("removing a clone of which nothing is there any more leaves nothing", { skip }, async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r, { kind });
  await rm(dir, { recursive: true });
  const removed = await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" });
  assert.deepEqual(removed, { salvage: null, branchDeleted: true });
  assert.deepEqual(await readdir(r.worktrees), []);
});

for (const other of ["worktree", "clone"] as const) {
  const options = { skip: other === "clone" && skip };
  test(`a ${other} whose repository is gone stays until it is deleted by hand`, options, async () => {
    await using r = await openTestRepository();
    const { dir } = await makeCheckout(r, { kind: other });
    await writeFiles(dir, { "work.txt": "w\n" });
    await rename(r.dir, `${r.dir}-moved`);
    await assert.rejects(removeCheckout(r.git, dir, keep), { code: "conflict", message: /is gone/ });
    await rename(`${r.dir}-moved`, r.dir);
    assert.equal((await removeCheckout(r.git, dir, keep)).salvage, salvage);
    await makeCheckout(r, { kind: other, adoptBranch: true });
    await rm(r.dir, { recursive: true });
    await rm(dir, { recursive: true });
    const removed = await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" });
    assert.deepEqual(removed, { salvage: null, branchDeleted: false });
    assert.deepEqual(await readdir(r.worktrees), [".trash"]);
  });
}

test("a worktree that was moved by hand loses neither a file nor a commit", async () => {
  await using r = await openTestRepository();
  const { dir } = await makeCheckout(r);
  r.run(dir, "checkout", "--quiet", "--detach");
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Adrift");
  await writeFiles(dir, { "work.txt": "w\n" });
  const moved = join(r.root, "moved");
  await mkdir(moved);
  await rename(dir, join(moved, "there"));
  assert.equal((await removeCheckout(r.git, dir, keep)).salvage, salvage);
  assert.equal(r.run(r.dir, "log", "-1", "--format=%s", salvage), "Adrift");
  assert.ok((await readdir(join(moved, "there"))).includes("work.txt"));
});
