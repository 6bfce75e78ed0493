import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { finalCommit } from "./final-commit.ts";
import { removeCheckout } from "./remove.ts";
import { removeAdded, resetHead, restoreTracked } from "./restore.ts";
import { checkpoint, snapshotTree } from "./snapshot.ts";

const { missing: skip } = await bubblewrapHere();

/** Where a program leaves its mark that runs outside of the sandbox: it can write there, and in the sandbox it cannot. */
const markOf = (r: TestRepository): string => join(r.root, "escaped");

/** A shell command that does what `git` expects of a filter, and what an attacker wants. */
const trap = (r: TestRepository): string => `sh -c 'touch "${markOf(r)}"; touch ran; cat'`;

test("makima's git in a clone runs nothing outside of it that the agent has configured there", { skip }, async () => {
  await using r = await openTestRepository();
  const before = await hashRepository(r.dir);
  const clone = await makeCheckout(r, { kind: "clone" });
  const { dir } = clone;
  for (const name of ["filter.x.clean", "filter.x.smudge", "diff.x.textconv", "diff.external", "core.fsmonitor"]) {
    r.run(dir, "config", name, trap(r));
  }
  r.run(dir, "config", "uploadpack.packObjectsHook", trap(r));
  await writeFile(join(r.root, "more"), `[core]\n\tsshCommand = ${JSON.stringify(trap(r))}\n`);
  r.run(dir, "config", "include.path", join(r.root, "more"));
  await writeFiles(dir, { ".gitattributes": "* filter=x diff=x\n", "a.txt": "two\n" });
  await writeFile(join(dir, ".git", "hooks-made"), "");
  await allThatMakimaDoes(r, clone);
  assert.deepEqual((await readdir(dir)).toSorted(), [".git", ".gitattributes", "a.txt"], "nor inside");
  await removeCheckout(r.git, dir, { deleteBranch: "keep" });
  assert.equal((await readdir(r.root)).includes("escaped"), false);
  assert.equal(await hashRepository(r.dir), before);
});

test("makima's git in a clone does not let out what a repository within it has git run", { skip }, async () => {
  await using r = await openTestRepository();
  const clone = await makeCheckout(r, { kind: "clone" });
  const sub = join(clone.dir, "sub");
  r.run(clone.dir, "init", "--quiet", "sub");
  await writeFiles(sub, { ".gitattributes": "* filter=x\n", "s.txt": "s\n" });
  r.run(sub, "add", "--all");
  r.run(sub, "commit", "--quiet", "--message=Inner");
  for (const name of ["core.fsmonitor", "filter.x.clean", "filter.x.process"]) r.run(sub, "config", name, trap(r));
  // As long as it was: of another length git would see the change without its filter, unless both came at once.
  await writeFiles(sub, { "s.txt": "t\n" });
  // The second time git looks into what the index has as a repository.
  const first = await snapshotTree(r.git, clone);
  assert.match(r.run(clone.dir, "ls-tree", first.tree, "sub"), /^160000 commit/);
  await writeFiles(sub, { "s.txt": "u\n" });
  await snapshotTree(r.git, clone);
  r.run(
    clone.dir,
    "-c",
    "core.fsmonitor=false",
    "update-index",
    "--add",
    "--cacheinfo",
    `160000,${"1".repeat(40)},sub`,
  );
  await allThatMakimaDoes(r, clone);
  assert.ok((await readdir(sub)).includes("ran") || (await readdir(clone.dir)).includes("ran"), "it was tried");
  assert.equal((await readdir(r.root)).includes("escaped"), false);
});

test("makima's git in a clone lets no script of the tree out that the person has for a filter", { skip }, async () => {
  await using r = await openTestRepository({ ".gitattributes": "*.txt filter=x\n", "a.sh": "cat\n", "b.txt": "b\n" });
  for (const name of ["filter.x.clean", "filter.x.smudge"]) r.run(r.dir, "config", name, "sh a.sh");
  const clone = await makeCheckout(r, { kind: "clone" });
  await writeFiles(clone.dir, { "a.sh": trap(r) });
  await finalCommit(r.git, clone, { message: "Done\n" });
  await removeCheckout(r.git, clone.dir, { deleteBranch: "keep" });
  await makeCheckout(r, { kind: "clone", adoptBranch: true });
  assert.ok((await readdir(clone.dir)).includes("ran"), "it was tried");
  assert.equal((await readdir(r.root)).includes("escaped"), false);
});

async function allThatMakimaDoes(r: TestRepository, clone: Parameters<typeof snapshotTree>[1]): Promise<void> {
  const snapshot = await snapshotTree(r.git, clone);
  await checkpoint(r.git, clone, { n: 1, snapshot, message: "One\n" });
  await restoreTracked(r.git, clone, snapshot.tree);
  await removeAdded(r.git, clone, snapshot.tree);
  await resetHead(r.git, clone, snapshot.head);
  await finalCommit(r.git, clone, { message: "Done\n" });
}
