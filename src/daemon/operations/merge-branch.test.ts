import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checks, mergeOrder, openOperations, placeOf, taskWith } from "../../../test/support/operations.ts";
import { hashRepository } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";

const INTO = "makima/goal/integration";

test("a merge is a commit of its own on a branch that it makes, by the person, and nothing else is changed", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const before = await hashRepository(r.dir);
  const merged = await bench.carryOut(mergeOrder(place, { message: "Merge b\n\nMore of it" }));
  const commit = r.run(r.dir, "rev-parse", INTO);
  const tree = r.run(r.dir, "rev-parse", `${place.branch}^{tree}`);
  const nothing = { conflicts: [], checks: [], output: "" };
  assert.deepEqual(merged, { outcome: "merged", into: INTO, commit, tree, ...nothing });
  assert.deepEqual(
    r.run(r.dir, "log", "-1", "--format=%P|%an|%ce|%B", INTO),
    `${r.base} ${r.run(r.dir, "rev-parse", place.branch)}|Ada|ada@example.com|Merge b\n\nMore of it`,
  );
  assert.deepEqual(await bench.carryOut(mergeOrder(place)), { ...merged, outcome: "up-to-date" });
  assert.equal(await hashRepository(r.dir), before);
});

test("a squashed merge has one parent, and is not made twice", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  await taskWith(r, { "b.txt": "two\n" });
  const place = await taskWith(r, { "c.txt": "three\n" });
  const merged = await bench.carryOut(mergeOrder(place, { squash: true }));
  assert.equal(r.run(r.dir, "log", "-1", "--format=%P", INTO), r.base);
  assert.equal(r.run(r.dir, "show", `${INTO}:b.txt`), "two");
  const again = await bench.carryOut(mergeOrder(place, { squash: true }));
  assert.deepEqual(again, { ...merged, outcome: "up-to-date" });
});

test("a dry run says what would happen, and moves nothing", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "a.txt": "two\n" });
  const dry = await bench.carryOut(mergeOrder(place, { dryRun: true }));
  assert.deepEqual([dry.outcome, dry.commit], ["clean", null]);
  assert.equal(r.run(r.dir, "branch", "--list", INTO), "");
  await bench.carryOut(mergeOrder(await taskWith(r, { "a.txt": "three\n" }, { name: "task-2" })));
  const tip = r.run(r.dir, "rev-parse", INTO);
  const conflict = await bench.carryOut(mergeOrder(place, { dryRun: true }));
  assert.deepEqual([conflict.outcome, conflict.commit, conflict.tree], ["conflict", tip, null]);
  assert.equal(r.run(r.dir, "rev-parse", INTO), tip);
});

test("conflicts are listed file by file, whatever the files are called, and nothing is moved", async () => {
  const odd = ["-q", "né\u00e9 ☃", 'quo"te', "new\nline", "tab\there", " "];
  const files = Object.fromEntries(odd.map((name) => [name, "one\n"]));
  await using bench = await openOperations({
    files: { ...files, kept: "k\n", moved: "m\n".repeat(20), bin: "\0" },
  });
  const { repository: r } = bench;
  const changed = (text: string) => Object.fromEntries(odd.map((name) => [name, `${text}\n`]));
  const ours = { ...changed("ours"), kept: null, moved: null, "moved-1": "m\n".repeat(20), both: "1\n", bin: "\0ours" };
  const theirs = { ...changed("theirs"), kept: "k2\n", moved: null, both: "2\n", bin: "\0theirs" };
  await bench.carryOut(mergeOrder(await taskWith(r, ours)));
  const tip = r.run(r.dir, "rev-parse", INTO);
  const place = await taskWith(r, theirs, { name: "task-2" });
  const { outcome, conflicts, commit } = await bench.carryOut(mergeOrder(place));
  assert.deepEqual([outcome, commit], ["conflict", tip]);
  assert.deepEqual(Object.fromEntries(conflicts.map(({ path, kind }) => [path, kind])), {
    ...Object.fromEntries(odd.map((name) => [name, "contents"])),
    kept: "modify/delete",
    "moved-1": "rename/delete",
    both: "add/add",
    bin: "binary",
  });
  assert.equal(conflicts.length, odd.length + 4);
  assert.equal(r.run(r.dir, "rev-parse", INTO), tip);
});

test("a directory that is a file elsewhere, and submodules that went apart, are conflicts too", async () => {
  await using bench = await openOperations({ files: { thing: "t\n", a: "a\n" } });
  const { repository: r } = bench;
  const submodule = (name: string, commit: string) => {
    const at = join(r.root, name);
    r.run(r.dir, "worktree", "add", "--quiet", "-b", placeOf(r, name).branch, at);
    r.run(at, "update-index", "--add", "--cacheinfo", `160000,${commit},sub`);
    r.run(at, "commit", "--quiet", "--message=Submodule");
    r.run(r.dir, "worktree", "remove", "--force", at);
    return placeOf(r, name);
  };
  await bench.carryOut(mergeOrder(submodule("sub-1", "1".repeat(40))));
  const sub = await bench.carryOut(mergeOrder(submodule("sub-2", "2".repeat(40)), { checks: [] }));
  assert.equal(sub.outcome, "conflict");
  assert.deepEqual(
    sub.conflicts.map(({ path }) => path),
    ["sub"],
  );
  await bench.carryOut(mergeOrder(await taskWith(r, { thing: null, "thing/inner": "i\n" })));
  const other = await bench.carryOut(mergeOrder(await taskWith(r, { thing: "changed\n" }, { name: "task-2" })));
  assert.deepEqual([other.outcome, other.conflicts.some(({ kind }) => kind === "file/directory")], ["conflict", true]);
});

test("a merge needs both branches, a place to start, and names that are names", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const refused = (fields: Parameters<typeof mergeOrder>[1], error: object) =>
    assert.rejects(bench.carryOut(mergeOrder(place, fields)), error);
  await refused({ start: null }, { code: "not_found" });
  await refused({ start: "nowhere" }, { code: "base_unknown" });
  for (const into of ["-f", "main~0", "main:a", "a..b", "@", "x/.lock", "a b", ""]) {
    await refused({ into, start: null }, { code: "invalid_request" });
  }
  await refused({ into: "New-Branch" }, { code: "invalid_request" });
  await assert.rejects(bench.carryOut(mergeOrder(placeOf(r, "unborn"))), { code: "not_found" });
  r.run(r.dir, "branch", "Release-1.0");
  assert.equal((await bench.carryOut(mergeOrder(place, { into: "Release-1.0" }))).outcome, "merged");
  const alien = r.run(r.dir, "commit-tree", "-m", "Alien", `${r.base}^{tree}`);
  r.run(r.dir, "branch", "alien", alien);
  await refused({ into: "alien", start: null }, { code: "git_failed", message: /unrelated histories/ });
});

test("ten tasks that merge at once all land, one after the other", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const names = Array.from({ length: 10 }, (_, index) => `task-${index}`);
  const places = [];
  for (const name of names) places.push(await taskWith(r, { [`${name}.txt`]: "x\n" }, { name }));
  const results = await Promise.all(places.map((place) => bench.carryOut(mergeOrder(place))));
  assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(["merged"]));
  assert.equal(r.run(r.dir, "rev-list", "--count", "--first-parent", `${r.base}..${INTO}`), "10");
  const files = r.run(r.dir, "ls-tree", "--name-only", INTO).split("\n");
  assert.deepEqual(files, ["a.txt", ...names.map((name) => `${name}.txt`)].toSorted());
});

test("a branch that somebody else moves meanwhile is merged into anew", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const merged = await bench.carryOut(mergeOrder(place, { checks: checks(await otherHand(r, { times: 1 })) }));
  assert.equal(merged.outcome, "merged");
  assert.equal(merged.checks.length, 1);
  assert.deepEqual(r.run(r.dir, "log", "--format=%s", "--first-parent", INTO).split("\n").slice(0, 2), [
    `Merge ${place.branch}`,
    "Other 1",
  ]);
  assert.equal(r.run(r.dir, "show", `${INTO}:other.txt`), "1");
});

test("a branch that somebody else keeps moving is left to them", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  await assert.rejects(bench.carryOut(mergeOrder(place, { checks: checks(await otherHand(r, { times: 99 })) })), {
    code: "conflict",
    message: `The branch ${INTO} keeps being moved by another program`,
  });
  assert.deepEqual(r.run(r.dir, "log", "--format=%s", INTO).split("\n"), ["Other 3", "Other 2", "Other 1", "First"]);
});

test("into the branch that the person has checked out, a merge brings the files along, if nothing is changed there", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", ".gitignore": "*.log\n" } });
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const order = mergeOrder(place, { into: "main", start: null });
  for (const [path, content] of [
    ["a.txt", "changed\n"],
    ["untracked", "u\n"],
  ] as const) {
    await writeFile(join(r.dir, path), content);
    const before = await hashRepository(r.dir);
    await assert.rejects(bench.carryOut(order), {
      code: "conflict",
      message: /main is checked out in .* uncommitted changes/,
    });
    assert.equal((await bench.carryOut({ ...order, dryRun: true })).outcome, "clean");
    assert.equal(await hashRepository(r.dir), before);
    r.run(r.dir, "stash", "--include-untracked", "--quiet");
  }
  const merged = await bench.carryOut(order);
  assert.deepEqual([merged.outcome, merged.commit], ["merged", r.run(r.dir, "rev-parse", "HEAD")]);
  assert.equal(r.run(r.dir, "symbolic-ref", "HEAD"), "refs/heads/main");
  assert.equal(r.run(r.dir, "status", "--porcelain"), "");
  assert.equal(await readFile(join(r.dir, "b.txt"), "utf8"), "two\n");
  const ignored = await taskWith(r, { "kept.log": "theirs\n", ".gitignore": "" }, { name: "task-2" });
  await writeFile(join(r.dir, "kept.log"), "mine\n");
  await assert.rejects(bench.carryOut(mergeOrder(ignored, { into: "main" })), {
    code: "conflict",
    message: /kept\.log/,
  });
  assert.equal(await readFile(join(r.dir, "kept.log"), "utf8"), "mine\n");
  assert.equal(r.run(r.dir, "rev-parse", "HEAD"), merged.commit);
});

test("a branch that another worktree has checked out is left alone, and the worktree named", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const other = join(r.root, "other tree");
  r.run(r.dir, "worktree", "add", "--quiet", "-b", "side", other);
  await assert.rejects(bench.carryOut(mergeOrder(place, { into: "side" })), {
    code: "conflict",
    message: `The branch side is checked out in ${other}`,
  });
  assert.equal(r.run(other, "rev-parse", "HEAD"), r.base);
});

/** A check in whose time somebody else commits to the branch that is merged into, the first times that it runs. */
async function otherHand(r: TestRepository, { times }: { times: number }): Promise<string> {
  const script = join(r.root, "other-hand.sh");
  const lines = [
    `count=$(($(cat "${script}.count" 2>/dev/null || echo 0) + 1)); echo $count >"${script}.count"`,
    `[ $count -gt ${times} ] && exit 0`,
    `export GIT_INDEX_FILE="${script}.index"; cd "${r.dir}"`,
    `old=$(git rev-parse --verify --quiet ${INTO} || git rev-parse main)`,
    `git read-tree $old && git update-index --add --cacheinfo 100644,$(echo $count | git hash-object -w --stdin),other.txt`,
    `git update-ref refs/heads/${INTO} $(git commit-tree -p $old -m "Other $count" $(git write-tree))`,
  ];
  await writeFile(script, `set -e\n${lines.join("\n")}\n`);
  return `sh "${script}"`;
}
