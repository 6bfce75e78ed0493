import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, readFile, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checkoutFor, openOperations, placeOf, taskWith } from "../../../test/support/operations.ts";
import { writeFiles } from "../../../test/support/repository.ts";
import { exists } from "../../platform/files.ts";
import { MAX_CONTENT } from "../../protocol/operations.ts";
import type { OrderOf, Place } from "../../protocol/operations.ts";
import { snapshotTree } from "../checkout/snapshot.ts";

const MANY_LINES = "line\n".repeat(30);

test("the diff of a task without a checkout is that of its branch, every kind of change told apart", async () => {
  const files = { "a.txt": "one\n", "gone é": "g\n", "old\nname": MANY_LINES, link: "l\n", bin: "\0\x01" };
  await using bench = await openOperations({ files });
  const { repository: r } = bench;
  const changes = { "a.txt": "one\ntwo\n", "gone é": null, "old\nname": null, "-new\tname": MANY_LINES, bin: "\0\x02" };
  const place = await taskWith(r, { ...changes, added: "1\n2\n", "odd:name": "o\n" });
  const { files: found, diff, ...facts } = await bench.carryOut(diffOf(place));
  assert.deepEqual(facts, {
    base: r.base,
    head: r.run(r.dir, "rev-parse", place.branch),
    insertions: 4,
    deletions: 1,
    truncated: false,
  });
  const sorted = found.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  assert.deepEqual(
    sorted.map(({ path, status, insertions, deletions }) => [path, status, insertions, deletions]),
    [
      ["-new\tname", "renamed", 0, 0],
      ["a.txt", "modified", 1, 0],
      ["added", "added", 2, 0],
      ["bin", "modified", null, null],
      ["gone é", "deleted", 0, 1],
      ["odd:name", "added", 1, 0],
    ],
  );
  assert.match(textOf(diff), /^diff --git [^]*\+two\n[^]*Binary files a\/bin and b\/bin differ/m);
});

test("the diff of a task at work has what is not committed, and disturbs neither the agent nor the run", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", "b.txt": "b\n", ".gitignore": "*.log\n" } });
  const { repository: r } = bench;
  const place = placeOf(r);
  const checkout = await checkoutFor(r, place);
  const { dir, gitDir } = checkout;
  await snapshotTree(r.git, checkout);
  await writeFiles(dir, { "committed.txt": "c\n", "a.txt": "two\n", "new.txt": "n\n", "x.log": "x\n" });
  r.run(dir, "add", "committed.txt");
  r.run(dir, "commit", "--quiet", "--message=More");
  await rm(join(dir, "b.txt"));
  await symlink("a.txt", join(dir, "b.txt"));
  const index = await readFile(join(gitDir, "index"));
  const [{ tree }, diff] = await Promise.all([snapshotTree(r.git, checkout), bench.carryOut(diffOf(place))]);
  assert.equal(diff.head, tree);
  assert.deepEqual(
    diff.files.map(({ path, status }) => [path, status]),
    [
      ["a.txt", "modified"],
      ["b.txt", "type-changed"],
      ["committed.txt", "added"],
      ["new.txt", "added"],
    ],
  );
  assert.deepEqual(await readFile(join(gitDir, "index")), index);
  assert.equal((await snapshotTree(r.git, checkout)).tree, tree);
  const { diff: text, ...stat } = await bench.carryOut({ ...diffOf(place), stat: true });
  assert.deepEqual([text, stat.files.length, stat.truncated], [null, 4, false]);
});

test("a huge diff is cut, and git is not waited for", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const names = Array.from({ length: 2_500 }, (_, index) => [`f${index}`, "x\n"] as const);
  const place = await taskWith(r, { ...Object.fromEntries(names), "0": randomBytes(1024 * 1024).toString("hex") });
  const { files, diff, insertions, truncated } = await bench.carryOut(diffOf(place));
  assert.deepEqual([files.length, insertions, truncated], [2_000, 2_501, true]);
  assert.equal(Buffer.from(diff ?? "", "base64").length, MAX_CONTENT);
  const long = "n".repeat(200);
  const folders = Array.from({ length: 1_500 }, (_, index) => [`${long}/${long}/${index}`, "x"] as const);
  const deep = await taskWith(r, Object.fromEntries(folders), { name: "task-2" });
  const cut = await bench.carryOut({ ...diffOf(deep), stat: true });
  assert.deepEqual([cut.files.length < 1_500, cut.insertions, cut.truncated], [true, 1_500, true]);
});

test("no program that a repository names is run for a diff", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", ".gitattributes": "*.txt diff=trap\n" } });
  const { repository: r } = bench;
  const trap = join(r.root, "trap");
  r.run(r.dir, "config", "diff.trap.command", `touch ${trap};:`);
  r.run(r.dir, "config", "diff.trap.textconv", `touch ${trap}; cat`);
  r.run(r.dir, "config", "diff.external", `touch ${trap};:`);
  const { diff } = await bench.carryOut(diffOf(await taskWith(r, { "a.txt": "two\n" })));
  assert.match(textOf(diff), /^\+two$/m);
  assert.equal(await exists(trap), false);
});

test("there is no diff without a base and a branch", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  await assert.rejects(bench.carryOut(diffOf(placeOf(r))), { code: "not_found" });
  const place = await taskWith(r, {});
  assert.deepEqual((await bench.carryOut(diffOf(place))).files, []);
  for (const base of ["0".repeat(40), "--output=/tmp/x", "HEAD", ""]) {
    await assert.rejects(bench.carryOut(diffOf({ ...place, base })), { code: "base_unknown" });
  }
});

test("the agent's index may be missing or broken, and the checkout may have moved away", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = placeOf(r);
  const { dir, gitDir } = await checkoutFor(r, place);
  await writeFiles(dir, { "new.txt": "n\n" });
  await writeFiles(gitDir, { index: "broken" });
  assert.deepEqual(
    (await bench.carryOut(diffOf(place))).files.map(({ path }) => path),
    ["new.txt"],
  );
  await rm(join(gitDir, "index"));
  assert.deepEqual(
    (await bench.carryOut(diffOf(place))).files.map(({ path }) => path),
    ["new.txt"],
  );
  await chmod(dir, 0o700);
  await rename(dir, `${dir}-away`);
  assert.deepEqual((await bench.carryOut(diffOf(place))).files, [], "its branch is still there");
  await writeFiles(dir, { "somebody.txt": "else\n" });
  await assert.rejects(bench.carryOut(diffOf(place)), { code: "conflict" });
  await rm(dir, { recursive: true });
  await rename(`${dir}-away`, dir);
});

function diffOf(place: Place): OrderOf<"GetDiff"> {
  return { kind: "GetDiff", place, stat: false };
}

function textOf(diff: string | null): string {
  return Buffer.from(diff ?? "", "base64").toString("utf8");
}
