import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import type { Git } from "../../platform/git/git.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { finalCommit } from "./final-commit.ts";
import { importWork } from "./import.ts";
import { checkpoint, snapshotTree } from "./snapshot.ts";

const { missing: skip } = await bubblewrapHere();
const branch = "makima/goal/task-1";
const salvage = "refs/makima/salvage/task-1/checkout";
const message = "Done\n";

test("the branch of a clone is followed by the repository's, also where the agent rewrites it", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  for (const [words, subject] of [
    [["commit", "--message=One"], "One"],
    [["commit", "--amend", "--message=Two"], "Two"],
    [["reset", "--hard", r.base], "First"],
  ] as const) {
    const [command, ...options] = words;
    r.run(clone.dir, command, "--quiet", ...(command === "commit" ? ["--allow-empty"] : []), ...options);
    assert.equal(await importWork(r.git, clone, []), null);
    assert.equal(r.run(r.dir, "log", "-1", "--format=%s", branch), subject);
  }
  r.run(r.dir, "branch", "--quiet", "-D", branch);
  commit(r, clone.dir, "Again");
  assert.equal(await importWork(r.git, clone, []), null);
  assert.equal(r.run(r.dir, "log", "-1", "--format=%s", branch), "Again");
  const log = r.run(r.dir, "reflog", "--format=%gs", branch);
  assert.equal(log, "makima: work of the task");
});

test(
  "the branch of a clone moves nothing where a person has gone on with the repository's, and is kept aside",
  { skip },
  async () => {
    await using r = await openTestRepository();
    const clone = await makeCheckout(r, { kind: "clone" });
    commit(r, clone.dir, "Agent's first");
    assert.equal(await importWork(r.git, clone, []), null);
    const persons = onBranch(r, "Person's");
    assert.equal(await importWork(r.git, clone, []), null, "the person's holds all that the agent's does");
    await writeFiles(clone.dir, { "new.txt": "n\n" });
    const snapshot = await snapshotTree(r.git, clone);
    const kept = await checkpoint(r.git, clone, { n: 1, snapshot, message });
    assert.equal(r.run(r.dir, "show", `${kept.commit}:new.txt`), "n");
    const done = await finalCommit(r.git, clone, { message });
    assert.deepEqual([done.head, done.salvage], [persons, salvage]);
    assert.equal(r.run(r.dir, "rev-parse", branch), persons);
    assert.equal(r.run(r.dir, "log", "--format=%s", salvage), "Done\nAgent's first\nFirst");
    assert.deepEqual(await finalCommit(r.git, clone, { message }), { ...done, commit: null });
  },
);

test("the branch of a clone waits for a person who has it checked out", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  r.run(r.dir, "checkout", "--quiet", branch);
  await writeFiles(clone.dir, { "new.txt": "n\n" });
  const error = {
    code: "conflict",
    message: `The branch ${branch} is checked out in ${r.dir}, so it cannot be moved`,
  };
  await assert.rejects(finalCommit(r.git, clone, { message }), error);
  assert.equal(r.run(r.dir, "status", "--porcelain"), "");
  r.run(r.dir, "checkout", "--quiet", "main");
  const { head } = await finalCommit(r.git, clone, { message });
  assert.equal(r.run(r.dir, "rev-parse", branch), head);
});

test("the branch of a clone is brought by several at once, none of whom puts it back", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  commit(r, clone.dir, "One");
  const all = await Promise.all([1, 2, 3].map(() => importWork(r.git, clone, [])));
  assert.deepEqual(all, [null, null, null]);
  for (const moment of ["before", "after"] as const) {
    commit(r, clone.dir, `Seen ${moment}`);
    const another = async (): Promise<void> => {
      r.run(clone.dir, "commit", "--quiet", "--amend", "--allow-empty", `--message=Newer ${moment}`);
      assert.equal(await importWork(r.git, clone, []), null);
    };
    assert.equal(await importWork(during(r.git, "for-each-ref", moment, another), clone, []), null);
    assert.equal(r.run(r.dir, "log", "-1", "--format=%s", branch), `Newer ${moment}`);
    assert.equal(r.run(r.dir, "rev-parse", "refs/makima/imported/task-1"), r.run(r.dir, "rev-parse", branch));
  }
});

test("the branch of a clone is not moved under a person who switches to it meanwhile", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  commit(r, clone.dir, "Work");
  const switching = during(r.git, "fetch", "after", async () => void r.run(r.dir, "checkout", "--quiet", branch));
  assert.deepEqual(await importWork(switching, clone, []), { kind: "checked-out", at: r.dir });
  assert.equal(r.run(r.dir, "rev-parse", "HEAD"), r.base);
});

test("the branch of a clone is what it says, whatever the agent makes of history", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  const { dir } = clone;
  commit(r, dir, "Real");
  const real = r.run(dir, "rev-parse", "HEAD");
  await writeFile(join(dir, ".git", "shallow"), `${real}\n`);
  await writeFiles(dir, { "a.txt": "two\n" });
  // Seen through the replacement, the commit has the work tree's files already.
  r.run(dir, "add", "--all");
  const fake = r.run(dir, "commit-tree", "-m", "Fake", r.run(dir, "write-tree"));
  r.run(dir, "replace", real, fake);
  assert.equal(r.run(dir, "status", "--porcelain"), "");
  const { head, commit: made } = await finalCommit(r.git, clone, { message });
  assert.equal(head, made);
  assert.equal(r.run(r.dir, "show", `${branch}:a.txt`), "two");
  assert.equal(r.run(r.dir, "log", "--format=%s", branch), "Done\nReal\nFirst");
  assert.equal(r.run(r.dir, "rev-parse", "--is-shallow-repository"), "false");
  r.run(r.dir, "fsck");
});

test(
  "the branch of a clone comes with the contents that Git LFS keeps beside it, and with nothing else",
  { skip },
  async () => {
    await using r = await openTestRepository();
    const clone = await makeCheckout(r, { kind: "clone" });
    const content = "large\n";
    const oid = createHash("sha256").update(content).digest("hex");
    const place = (name: string): string => join("lfs/objects", name.slice(0, 2), name.slice(2, 4), name);
    const [forged, linked] = ["0".repeat(64), createHash("sha256").update("outside\n").digest("hex")];
    await writeFiles(clone.gitDir, { [place(oid)]: content, [place(forged)]: content, [place(linked)]: "" });
    await rm(join(clone.gitDir, place(linked)));
    await writeFile(join(r.root, "outside"), "outside\n");
    await symlink(join(r.root, "outside"), join(clone.gitDir, place(linked)));
    commit(r, clone.dir, "Pointers");
    await importWork(r.git, clone, []);
    const files = (await readdir(join(r.commonDir, "lfs"), { recursive: true })).filter((name) => name.length > 64);
    assert.deepEqual(files, [place(oid).slice("lfs/".length)]);
    assert.equal(await readFile(join(r.commonDir, place(oid)), "utf8"), content);
  },
);

test(
  "the branch of a clone is not imported without what it is made of, or with what is no sound object",
  { skip },
  async () => {
    await using r = await openTestRepository();
    const clone = await makeCheckout(r, { kind: "clone" });
    const { dir } = clone;
    const tree = r.run(dir, "hash-object", "-w", "-t", "tree", "/dev/null");
    const missing = "0123456789".repeat(4);
    const identity = "A <a@b> 1 +0000";
    const forged = [
      `tree ${tree}\nparent ${missing}\nauthor ${identity}\ncommitter ${identity}\n\nNo parent\n`,
      `tree ${tree}\nparent ${r.base}\nauthor ${identity}\n\nNo committer\n`,
    ];
    for (const [index, content] of forged.entries()) {
      await writeFile(join(r.root, "object"), content);
      const id = r.run(dir, "hash-object", "-w", "-t", "commit", "--literally", join(r.root, "object"));
      await writeFile(join(dir, ".git/refs/heads", branch), `${id}\n`);
      await assert.rejects(importWork(r.git, clone, []), { code: "git_failed" }, `forgery ${index}`);
      assert.equal(r.run(r.dir, "rev-parse", branch), r.base);
    }
    r.run(r.dir, "fsck", "--no-dangling");
  },
);

/** A git that has something happen before, or after, the first of these commands. */
function during(git: Git, command: string, moment: "before" | "after", happens: () => Promise<void>): Git {
  let waits = true;
  const once = async (now: typeof moment): Promise<void> => {
    if (!waits || now !== moment) return;
    waits = false;
    await happens();
  };
  return async (at, args, options) => {
    const awaited = args[0] === command;
    if (awaited) await once("before");
    const result = await git(at, args, options);
    if (awaited) await once("after");
    return result;
  };
}

function commit(r: TestRepository, dir: string, subject: string): void {
  r.run(dir, "commit", "--quiet", "--allow-empty", `--message=${subject}`);
}

/** A person's commit on the task's branch, in the repository. */
function onBranch(r: TestRepository, subject: string): string {
  const made = r.run(r.dir, "commit-tree", "-p", branch, "-m", subject, `${branch}^{tree}`);
  r.run(r.dir, "update-ref", `refs/heads/${branch}`, made);
  return made;
}
