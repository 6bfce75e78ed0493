import assert from "node:assert/strict";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { changedPaths, diffFiles, diffStat } from "./diff.ts";

test("tells what changed, with the texts of text files", async () => {
  const kept = "kept\n".repeat(10);
  await using r = await openTestRepository({
    "edit.txt": "one\n",
    "gone ü.txt": "bye\n",
    "run.sh": kept,
    "same.txt": "same\n",
  });
  await writeFiles(r.dir, { "edit.txt": "one\ntwo\n", "new\ttab.txt": "hello\n", "empty.txt": "" });
  await writeFile(join(r.dir, "image"), Buffer.from([0, 1, 2]));
  await writeFile(join(r.dir, "latin"), Buffer.from([0x66, 0xfc, 0x72]));
  await writeFile(join(r.dir, "huge.txt"), "x".repeat(256 * 1024));
  await rm(join(r.dir, "gone ü.txt"));
  await chmod(join(r.dir, "run.sh"), 0o755);
  r.run(r.dir, "add", "--all");
  const tree = r.run(r.dir, "write-tree");
  const at = { cwd: r.dir };
  assert.deepEqual(await diffFiles(r.git, at, r.base, tree), [
    { path: "edit.txt", status: "modified", oldText: "one\n", newText: "one\ntwo\n" },
    { path: "empty.txt", status: "added", oldText: null, newText: "" },
    { path: "gone ü.txt", status: "deleted", oldText: "bye\n", newText: null },
    { path: "huge.txt", status: "added", oldText: null, newText: null },
    { path: "image", status: "added", oldText: null, newText: null },
    { path: "latin", status: "added", oldText: null, newText: null },
    { path: "new\ttab.txt", status: "added", oldText: null, newText: "hello\n" },
    { path: "run.sh", status: "modified", oldText: kept, newText: kept },
  ]);
  const [edit] = await changedPaths(r.git, at, r.base, tree);
  assert.deepEqual([edit?.path, edit?.newMode], ["edit.txt", "100644"]);
  const { text, ...counts } = await diffStat(r.git, at, r.base, tree);
  assert.deepEqual(counts, { files: 8, insertions: 4, deletions: 1 });
  assert.match(text, /edit\.txt +\| +1 \+\n/);
});

test("nothing changed is nothing", async () => {
  await using r = await openTestRepository();
  assert.deepEqual(await diffFiles(r.git, { cwd: r.dir }, r.base, r.base), []);
  assert.deepEqual(await diffStat(r.git, { cwd: r.dir }, r.base, "HEAD^{tree}"), {
    files: 0,
    insertions: 0,
    deletions: 0,
    text: "",
  });
});

test("a huge change has texts for its first 500 files", async () => {
  await using r = await openTestRepository({});
  await writeFiles(r.dir, Object.fromEntries(Array.from({ length: 510 }, (_, index) => [`f${index}`, `${index}`])));
  r.run(r.dir, "add", "--all");
  const files = await diffFiles(r.git, { cwd: r.dir }, r.base, r.run(r.dir, "write-tree"));
  assert.equal(files.length, 510);
  assert.equal(files.filter(({ newText }) => newText !== null).length, 500);
});
