import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newSupervisedWorld } from "../../../../test/support/supervised.ts";
import type { SupervisedWorld } from "../../../../test/support/supervised.ts";
import { MakimaError } from "../../../core/errors.ts";
import { shortId } from "../../../core/ids.ts";
import type { OperationResult } from "../../../protocol/operations.ts";
import { call, until } from "../../../server/testing/harness.ts";

let world: SupervisedWorld;
before(async () => {
  world = await newSupervisedWorld();
});
after(() => world[Symbol.asyncDispose]());

const PATCH = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+\u001b[2Jtwo\n";
const base64 = (text: string) => Buffer.from(text).toString("base64");

const DIFF: OperationResult<"GetDiff"> = {
  base: "b".repeat(40),
  head: "c".repeat(40),
  files: [
    { path: "a.txt", status: "modified", insertions: 1, deletions: 1 },
    { path: "logo\n.png", status: "added", insertions: null, deletions: null },
  ],
  insertions: 1,
  deletions: 1,
  diff: base64(PATCH),
  truncated: false,
};

test("a diff comes as git made it, or as a list of files", async () => {
  const id = shortId(world.supervised.taskId);
  const patch = world.agent(["supervisor", "diff", id]);
  const order = await world.carryOut("GetDiff", { ...DIFF, truncated: true });
  assert.deepEqual([order.stat, order.place.taskId], [false, world.supervised.taskId]);
  const { code, stdout, stderr } = await patch;
  assert.deepEqual([code, stdout], [0, PATCH]);
  assert.match(stderr, /too long/);

  const list = world.agent(["supervisor", "diff", id, "--stat"]);
  await world.carryOut("GetDiff", { ...DIFF, diff: null });
  assert.equal((await list).stdout, "M a.txt +1 -1\nA logo .png binary\n2 files, +1 -1\n");

  const shown = world.agent(["supervisor", "diff", id], { onTerminal: true });
  await world.carryOut("GetDiff", DIFF);
  const lines = (await shown).stdout.split("\n");
  assert.ok(
    lines.some((line) => line.endsWith("-one\u001b[39m")) && lines.every((line) => !line.includes("\u001b[2J")),
  );

  const document = world.agent(["supervisor", "diff", id, "--json"]);
  await world.carryOut("GetDiff", DIFF);
  assert.deepEqual(JSON.parse((await document).stdout), { ...DIFF, diff: PATCH });
});

test("a file comes byte for byte, in a document as base64", async () => {
  const bytes = Buffer.from([0, 0xff, 10]);
  const file = { path: "logo.png", content: bytes.toString("base64"), size: 5_000_000, truncated: true };
  const id = world.own.taskId;
  const printed = world.agent(["supervisor", "read-file", id, "logo.png", "--ref", "main"], { side: world.own });
  const order = await world.carryOut("ReadFile", file);
  assert.deepEqual([order.path, order.ref], ["logo.png", "main"]);
  const { bytes: content, stderr } = await printed;
  assert.deepEqual(content, bytes);
  assert.match(stderr, /only the first 3 B of 5\.0 MB/);

  const document = world.person(["supervisor", "read-file", id, "logo.png", "--json"]);
  await world.carryOut("ReadFile", file);
  assert.deepEqual(JSON.parse((await document).stdout), file);
});

test("what an operation fails with is what the command fails with", async () => {
  const printed = world.person(["supervisor", "read-file", world.own.taskId, "gone.txt"]);
  await world.carryOut("ReadFile", new MakimaError("not_found", "There is no gone.txt", { hint: "Look elsewhere." }));
  assert.deepEqual(await printed.then(({ code, stderr }) => [code, stderr]), [
    3,
    "makima: There is no gone.txt\nhint: Look elsewhere.\n",
  ]);
});

test("an interrupted command leaves its operation alone, and says so", async () => {
  const interrupt = new AbortController();
  const args = ["supervisor", "read-file", world.own.taskId, "a.txt"];
  const printed = world.person(args, { interrupt: interrupt.signal });
  const live = async () => {
    const { operations } = await call(world.server, "listOperations", { contract: world.own.contractId });
    return operations.filter(({ endedAt }) => endedAt === null);
  };
  await until(async () => (await live()).length > 0);
  interrupt.abort();
  const { code, stderr } = await printed;
  assert.equal(code, 130);
  assert.match(stderr, /^makima: .*\nhint: The operation ReadFile \(.+\) goes on\.\n$/);
  assert.equal((await live()).length, 1);
  await world.carryOut("ReadFile", { path: "a.txt", content: "", size: 0, truncated: false });
});

const MERGE: OperationResult<"MergeBranch"> = {
  outcome: "merged",
  into: "makima/a/integration-1",
  commit: "d".repeat(40),
  tree: "e".repeat(40),
  conflicts: [],
  checks: [],
  output: "",
};

const FAILED_CHECK: OperationResult<"MergeBranch">["checks"][number] = {
  name: "check 1",
  command: "npm test",
  commandHash: "f",
  passed: false,
  exitCode: 1,
  timedOut: false,
  durationMs: 1500,
  tests: null,
  stream: "x",
  baseline: null,
  failure: null,
  flags: [],
};

const MERGES: Record<
  OperationResult<"MergeBranch">["outcome"],
  { result: Partial<OperationResult<"MergeBranch">>; code: number; stdout: RegExp; stderr?: RegExp }
> = {
  merged: { result: {}, code: 0, stdout: /^Merged \w{8} into makima\/a\/integration-1, which is now d{12}\.\n$/ },
  "up-to-date": { result: {}, code: 0, stdout: /has all of it already/ },
  clean: { result: { commit: null }, code: 0, stdout: /can be merged .*; nothing was moved/ },
  conflict: {
    result: { conflicts: [{ path: "a\u0007.txt", kind: "contents" }], commit: null, tree: null },
    code: 5,
    stdout: /^It conflicts with .*\n {2}a\\x07\.txt \(contents\)\n$/,
    stderr: /^makima: 1 file cannot be merged\nhint: /,
  },
  "checks-failed": {
    result: { checks: [FAILED_CHECK], output: "expected 1\n\u001b[31mgot 2\n" },
    code: 1,
    stdout: /✘ npm test: exit 1 \(1\.5s\)\n {4}expected 1\n {4}got 2\n$/,
  },
};

for (const [outcome, { result, code, stdout, stderr = /^$/ }] of Object.entries(MERGES)) {
  test(`a merge that comes to "${outcome}" exits ${code}, and says in a document what came of it`, async () => {
    const merge = { ...MERGE, ...result, outcome: outcome as keyof typeof MERGES };
    const id = shortId(world.supervised.taskId);
    const text = world.person(["supervisor", "merge", id, "--squash", "--into", "release/weeks", "--dry-run"]);
    const order = await world.carryOut("MergeBranch", merge);
    assert.deepEqual([order.into, order.squash, order.dryRun], ["release/weeks", true, true]);
    const printed = await text;
    assert.equal(printed.code, code, printed.stderr);
    assert.match(printed.stdout, stdout);
    assert.match(printed.stderr, stderr);

    const json = world.agent(["supervisor", "merge", id, "--dry-run", "--json"]);
    await world.carryOut("MergeBranch", merge);
    const document = await json;
    assert.equal(document.code, code);
    assert.deepEqual(JSON.parse(document.stdout), merge);
  });
}

test("branches are listed and created", async () => {
  const list = world.agent(["supervisor", "branch", "list"]);
  const branches = [{ name: "makima/a/b-1", commit: "a".repeat(40), subject: "Did\u0007 it", at: Date.now() }];
  await world.carryOut("ListBranches", { branches });
  assert.match((await list).stdout, /^COMMIT +AGE +BRANCH +SUBJECT\na{12} +0\.\ds +makima\/a\/b-1 +Did\\x07 it\n$/);
  const create = world.person([
    "supervisor",
    "branch",
    "create",
    "release/weeks",
    "--from",
    "main",
    "--contract",
    world.supervised.contractId,
  ]);
  const order = await world.carryOut("CreateBranch", { name: "release/weeks", commit: "b".repeat(40) });
  assert.deepEqual([order.name, order.from], ["release/weeks", ["main"]]);
  assert.equal((await create).stdout, `Created release/weeks at ${"b".repeat(12)}.\n`);
});

test("a pull request is opened, or what is left to do is said", async () => {
  const url = "https://github.com/a/b/pull/1";
  const ways: [OperationResult<"CreatePullRequest">, string][] = [
    [{ remote: "origin", branch: "b", url, next: null }, `${url}\n`],
    [
      { remote: "origin", branch: "b", url: null, next: "gh pr create" },
      "Pushed b to origin; no pull request is open yet. What is left to do:\n  gh pr create\n",
    ],
  ];
  for (const [result, expected] of ways) {
    const args = ["--contract", world.supervised.contractId, "--title", "Weeks", "--body", "-", "--draft"];
    const printed = world.agent(["supervisor", "pr", ...args], { input: "All of them\n" });
    const order = await world.carryOut("CreatePullRequest", result);
    assert.deepEqual([order.title, order.body, order.draft], ["Weeks", "All of them", true]);
    assert.deepEqual(await printed.then(({ code, stdout }) => [code, stdout]), [0, expected]);
  }
});

test("a checkpoint is made, listed and restored", async () => {
  const { own } = world;
  const made = world.agent(["supervisor", "checkpoint", "-m", "Before the move"], { side: own });
  const commit = "a".repeat(40);
  const order = await world.carryOut("CreateCheckpoint", { name: "0.1", ref: "refs/x", commit });
  assert.deepEqual([order.name, order.message], ["0.1", "Before the move"]);
  assert.equal((await made).stdout, `Checkpoint 0.1 is ${"a".repeat(12)}.\n`);
  const { stdout } = await world.person(["supervisor", "checkpoints", own.taskId]);
  assert.match(stdout, /^CHECKPOINT .*\n0\.1 +a{12} +\S+ +Before the move\n$/);
  const gone = await world.person(["supervisor", "restore", own.taskId, "9"]);
  assert.deepEqual([gone.code, gone.stdout], [3, ""]);
});
