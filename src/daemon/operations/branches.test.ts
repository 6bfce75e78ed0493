import assert from "node:assert/strict";
import { test } from "node:test";
import { openOperations, taskWith } from "../../../test/support/operations.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import type { OrderOf } from "../../protocol/operations.ts";

test("branches are listed by the beginning of their names, whatever it is, the newest first", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const commit = (subject: string, seconds: number) => {
    r.environment["GIT_COMMITTER_DATE"] = `@${seconds} +0200`;
    return r.run(r.dir, "commit-tree", "-m", `${subject}\n\nmore`, `${r.base}^{tree}`);
  };
  const names = { "makima/goal/one": 2_000, "makima/goal/two": 3_000, "makima/goals": 1_000, "other/x": 4_000 };
  for (const [name, seconds] of Object.entries(names))
    r.run(r.dir, "branch", name, commit(`At ${seconds} "é"`, seconds));
  const listed = async (prefix: string) => (await bench.carryOut(list(r, prefix))).branches;
  const [newest] = await listed("makima/goal/");
  const two = r.run(r.dir, "rev-parse", "makima/goal/two");
  assert.deepEqual(newest, { name: "makima/goal/two", commit: two, subject: 'At 3000 "é"', at: 3_000_000 });
  const found = async (prefix: string) => (await listed(prefix)).map(({ name }) => name);
  assert.deepEqual(await found("makima/goal/"), ["makima/goal/two", "makima/goal/one"]);
  assert.deepEqual(await found("makima/goal"), ["makima/goal/two", "makima/goal/one", "makima/goals"]);
  assert.deepEqual(await found("makima/goal/o"), ["makima/goal/one"]);
  for (const prefix of ["makima/*/", "**/", "--format=", "nothing/", "m[a]kima/"])
    assert.deepEqual(await found(prefix), []);
  assert.equal((await found("")).length, 5);
});

test("a branch is made at the first of its starts that exists, once", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const commit = r.run(r.dir, "rev-parse", place.branch);
  const made = await bench.carryOut(create(r, "topic/x", ["nowhere", "-x", "a b", place.branch, "main"]));
  assert.deepEqual(made, { name: "topic/x", commit });
  assert.equal(r.run(r.dir, "rev-parse", "refs/heads/topic/x"), commit);
  assert.deepEqual(await bench.carryOut(create(r, "topic/x", [commit])), made);
  await assert.rejects(bench.carryOut(create(r, "topic/x", ["main"])), { code: "conflict" });
  await assert.rejects(bench.carryOut(create(r, "topic/y", ["nowhere"])), { code: "base_unknown" });
  for (const name of ["-d", "A", "a..b", "x.lock", "@", ""]) {
    await assert.rejects(bench.carryOut(create(r, name, ["main"])), { code: "invalid_request" }, name);
  }
  r.run(r.dir, "tag", "-a", "-m", "Tag", "v1", place.branch);
  assert.equal((await bench.carryOut(create(r, "topic/z", ["v1"]))).commit, commit);
  assert.equal(r.run(r.dir, "symbolic-ref", "HEAD"), "refs/heads/main");
});

function list(r: TestRepository, prefix: string): OrderOf<"ListBranches"> {
  return { kind: "ListBranches", repository: r.dir, prefix };
}

function create(r: TestRepository, name: string, from: string[]): OrderOf<"CreateBranch"> {
  return { kind: "CreateBranch", repository: r.dir, name, from };
}
