import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readFile, readlink, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checkoutFor, openOperations, placeOf, taskWith } from "../../../test/support/operations.ts";
import { hashRepository, writeFiles } from "../../../test/support/repository.ts";
import { exists } from "../../platform/files.ts";
import type { OrderOf, Place } from "../../protocol/operations.ts";

const REFS = "refs/makima/checkpoints/task-1";

test("a checkpoint keeps the checkout's whole state, on no branch, and the agent's index is not touched", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", ".gitignore": "*.log\n" } });
  const { repository: r } = bench;
  const place = placeOf(r);
  const { dir, gitDir } = await checkoutFor(r, place);
  await writeFiles(dir, { "a.txt": "two\n", "-new\n.txt": "n\n", "noise.log": "l\n" });
  const before = [await readFile(join(gitDir, "index")), await hashRepository(r.dir)];
  const made = await bench.carryOut(create(place, "mine"));
  assert.deepEqual(made, { name: "mine", ref: `${REFS}/mine`, commit: r.run(r.dir, "rev-parse", `${REFS}/mine`) });
  assert.equal(r.run(r.dir, "log", "-1", "--format=%P|%an|%s", made.commit), `${r.base}|makima|Try this`);
  assert.equal(r.run(r.dir, "ls-tree", "-z", "--name-only", made.commit), "-new\n.txt\0.gitignore\0a.txt\0");
  assert.deepEqual([await readFile(join(gitDir, "index")), await hashRepository(r.dir)], before);
  await writeFiles(dir, { "a.txt": "three\n" });
  assert.deepEqual(await bench.carryOut(create(place, "mine")), made, "it never changes");
});

test("the checkpoint of a task without a checkout is its branch, and a task without a branch has none", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  await assert.rejects(bench.carryOut(create(placeOf(r), "1")), { code: "not_found" });
  const place = await taskWith(r, { "b.txt": "two\n" });
  const { commit } = await bench.carryOut(create(place, "1"));
  assert.equal(r.run(r.dir, "log", "-1", "--format=%P", commit), r.run(r.dir, "rev-parse", place.branch));
  assert.equal(r.run(r.dir, "rev-parse", `${commit}^{tree}`), r.run(r.dir, "rev-parse", `${place.branch}^{tree}`));
  for (const name of ["a/b", "..", "-x", "a b", ""]) {
    await assert.rejects(bench.carryOut(create(place, name)), { code: /invalid_request/ }, name);
  }
  await assert.rejects(bench.carryOut(create({ ...place, taskId: "../x" }, "1")), { code: "invalid_request" });
});

test("a restored checkpoint is the work tree as it was, HEAD and branch where they are, and nothing is lost", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", "d/x": "x\n", ".gitignore": "*.log\n" } });
  const { repository: r } = bench;
  const place = placeOf(r);
  const { dir } = await checkoutFor(r, place);
  await writeFiles(dir, { "a.txt": "good\n", "untracked é\n": "u\n", "run.sh": "#!/bin/sh\n", "noise.log": "l\n" });
  await chmod(join(dir, "run.sh"), 0o755);
  await symlink("a.txt", join(dir, "link"));
  const { commit } = await bench.carryOut(create(place, "good"));
  await writeFiles(dir, { "a.txt": "committed\n", "late/file": "l\n", "noise.log": "new noise\n" });
  r.run(dir, "add", "a.txt", "late");
  r.run(dir, "commit", "--quiet", "--message=Later");
  const head = r.run(dir, "rev-parse", "HEAD");
  for (const path of ["link", "run.sh", "d", "untracked é\n"]) await rm(join(dir, path), { recursive: true });
  await writeFiles(dir, { d: "a file now\n", "staged.txt": "s\n" });
  r.run(dir, "add", "staged.txt");
  const restored = await bench.carryOut(restore(place, commit));
  assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "good\n");
  assert.equal(await readFile(join(dir, "d/x"), "utf8"), "x\n");
  assert.equal(await readFile(join(dir, "untracked é\n"), "utf8"), "u\n");
  assert.equal(await readlink(join(dir, "link")), "a.txt");
  assert.equal((await lstat(join(dir, "run.sh"))).mode & 0o777, 0o755);
  assert.deepEqual([await exists(join(dir, "late")), await exists(join(dir, "staged.txt"))], [false, false]);
  assert.equal(await readFile(join(dir, "noise.log"), "utf8"), "new noise\n", "ignored files stay");
  assert.deepEqual(
    [r.run(dir, "rev-parse", "HEAD"), r.run(dir, "symbolic-ref", "HEAD")],
    [head, `refs/heads/${place.branch}`],
  );
  const saved = restored.saved?.commit ?? "";
  assert.deepEqual(restored, { commit, saved: { name: "before", ref: `${REFS}/before`, commit: saved } });
  assert.equal(r.run(r.dir, "rev-parse", `${saved}^`), head);
  const back = await bench.carryOut(restore(place, saved, "again"));
  assert.equal(await readFile(join(dir, "d"), "utf8"), "a file now\n");
  assert.equal(await readFile(join(dir, "staged.txt"), "utf8"), "s\n");
  assert.notEqual(back.saved, null);
  assert.deepEqual(await bench.carryOut(restore(place, saved, "third")), { commit: saved, saved: null });
});

test("ignored files that a checkpoint's are put over are kept with what was there before", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n" } });
  const { repository: r } = bench;
  const place = placeOf(r);
  const { dir } = await checkoutFor(r, place);
  await writeFiles(dir, { "local.env": "old\n", "out/one": "1\n", cache: "old\n" });
  const { commit } = await bench.carryOut(create(place, "good"));
  await writeFiles(dir, { ".gitignore": "local.env\nout\ncache\n", "local.env": "precious\n" });
  for (const path of ["out", "cache"]) await rm(join(dir, path), { recursive: true });
  await writeFiles(dir, { out: "a file in the way\n", "cache/deep/inner": "in the way\n" });
  const { saved } = await bench.carryOut(restore(place, commit));
  assert.equal(await readFile(join(dir, "local.env"), "utf8"), "old\n");
  assert.equal(await readFile(join(dir, "out/one"), "utf8"), "1\n");
  assert.equal(await readFile(join(dir, "cache"), "utf8"), "old\n");
  const kept = (path: string) => r.run(r.dir, "show", `${saved?.commit}:${path}`);
  assert.deepEqual(["local.env", "out", "cache/deep/inner"].map(kept), ["precious", "a file in the way", "in the way"]);
});

test("a checkpoint is not restored under an agent's hands, nor where there is no checkout or no such commit", async () => {
  const working = new Set<string>();
  await using bench = await openOperations({ isAtWork: (taskId) => working.has(taskId) });
  const { repository: r } = bench;
  const place = placeOf(r);
  await assert.rejects(bench.carryOut(restore(place, r.base)), { code: "not_found" });
  const { dir } = await checkoutFor(r, place);
  await mkdir(join(dir, "sub"));
  working.add("task-1");
  await assert.rejects(bench.carryOut(restore(place, r.base)), { code: "conflict", hint: /makima stop/ });
  working.clear();
  for (const commit of ["1".repeat(40), "HEAD", "--help", "main"]) {
    await assert.rejects(bench.carryOut(restore(place, commit)), { code: "base_unknown" });
  }
  const other = { ...place, repository: r.root };
  await assert.rejects(bench.carryOut(restore(other, r.base)), { code: "repository_invalid" });
});

function create(place: Place, name: string): OrderOf<"CreateCheckpoint"> {
  return { kind: "CreateCheckpoint", place, name, message: "Try this" };
}

function restore(place: Place, commit: string, save = "before"): OrderOf<"RestoreCheckpoint"> {
  return { kind: "RestoreCheckpoint", place, commit, save };
}
