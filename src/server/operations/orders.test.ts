import assert from "node:assert/strict";
import { shortId } from "../../core/ids.ts";
import { CreateContract } from "../../protocol/api.ts";
import type { CreateContract as Terms } from "../../protocol/api.ts";
import { createContract } from "../contracts/create.ts";
import type { Store } from "../db/store.ts";
import { pauseTask } from "../tasks/pause.ts";
import { resumeTask } from "../tasks/resume.ts";
import { contract as terms, finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { endMerge, givenOrder, givenOrders, report, request } from "../testing/operations.ts";
import { connect, nextRun, say } from "../testing/run.ts";
import { paused } from "../testing/states.ts";
import { listCheckpoints } from "./list.ts";

const BASE = terms.base;
const CHECK = { name: "npm test", command: "npm test", timeoutMs: 600_000 };

/** A contract whose task is at work in its third iteration. */
async function atWork(store: Store, more: Partial<Terms> = {}) {
  const input = CreateContract.parse({ ...terms, baseBranch: "main", ...more });
  const { contract, task } = await store.write((tx) => createContract(tx, input));
  await connect(store);
  const run = await nextRun(store, task.id);
  await say(store, run, started, iterationStarted(3));
  const place = { taskId: task.id, repository: terms.repository, base: BASE, branch: task.branch, bubblewrap: false };
  return {
    contract,
    task,
    run,
    place,
    end: (outcome: "completed" | "failed") => say(store, run, finished({ outcome })),
  };
}

onEveryEngine("a diff and a file are looked for where the task's work lies", async (database) => {
  await using store = await database.open();
  const { task, place } = await atWork(store);
  const operation = await request(store, { kind: "GetDiff", task: task.id.slice(-8) });
  assert.deepEqual(
    [operation.kind, operation.status, operation.taskId, operation.origin, operation.daemonId],
    ["GetDiff", "running", task.id, "person", "d1"],
  );
  const diff = await givenOrder(store, "GetDiff");
  assert.deepEqual(diff.order, { kind: "GetDiff", place, stat: false });
  await report(store, diff.commandId, { error: { code: "gone", message: "no checkout", hint: "" } });

  await request(store, { kind: "ReadFile", task: task.id, path: "src/a.ts", ref: "main" });
  const { order } = await givenOrder(store, "ReadFile");
  assert.deepEqual(order, { kind: "ReadFile", place, path: "src/a.ts", ref: "main" });
});

onEveryEngine("branches belong to the contract: they begin alike, and where it is by now", async (database) => {
  await using store = await database.open();
  const { contract } = await atWork(store);
  await request(store, { kind: "ListBranches", contract: contract.id });
  const list = await givenOrder(store, "ListBranches");
  const prefix = "makima/mend-the-parser/";
  assert.ok(contract.integrationBranch.startsWith(prefix));
  assert.deepEqual(list.order, { kind: "ListBranches", repository: terms.repository, prefix });
  await report(store, list.commandId, { result: { branches: [] } });

  const name = `${prefix}spike`;
  await request(store, { kind: "CreateBranch", contract: contract.id, name });
  const first = await givenOrder(store, "CreateBranch");
  const from = [contract.integrationBranch, BASE];
  assert.deepEqual(first.order, { kind: "CreateBranch", repository: terms.repository, name, from });
  await report(store, first.commandId, { result: { name, commit: BASE } });
  await request(store, { kind: "CreateBranch", contract: contract.id, name, from: "v1.2" });
  assert.deepEqual((await givenOrder(store, "CreateBranch")).order.from, ["v1.2"]);
});

onEveryEngine("a merge starts the integration branch at the contract's base, and no other", async (database) => {
  await using store = await database.open();
  const { contract, task, place, end } = await atWork(store);
  const merge = { kind: "MergeBranch", task: task.id };
  await assert.rejects(request(store, merge), { code: "conflict", message: /is running/ });
  await request(store, { ...merge, dryRun: true });
  const tried = await givenOrder(store, "MergeBranch");
  const into = contract.integrationBranch;
  assert.deepEqual(tried.order, {
    kind: "MergeBranch",
    place,
    into,
    start: BASE,
    squash: false,
    dryRun: true,
    message: `Merge Mend the parser (${shortId(task.id)})`,
    checks: [CHECK],
    verifiedTrees: [],
  });
  await endMerge(store, { outcome: "clean" });
  await end("failed");
  await request(store, { ...merge, into: "Release/1.x", squash: true });
  const { order } = await givenOrder(store, "MergeBranch");
  assert.deepEqual([order.into, order.start, order.squash, order.dryRun], ["Release/1.x", null, true, false]);
});

onEveryEngine("a merge knows the tree that has passed the checks already", async (database) => {
  await using store = await database.open();
  const { task, run, end } = await atWork(store);
  const receipt = { type: "verified", at: 3, index: 3, verification: "verified", tree: "t9", head: "h9" } as const;
  await say(store, run, { ...receipt, checks: [] });
  await end("failed");
  await request(store, { kind: "MergeBranch", task: task.id });
  assert.deepEqual((await givenOrder(store, "MergeBranch")).order.verifiedTrees, ["t9"]);
});

onEveryEngine("what the repository itself checks with is checked after a merge too", async (database) => {
  await using store = await database.open();
  const { task, run } = await atWork(store);
  const own = { name: "lint", command: "npm run lint", commandHash: "0", passed: true, exitCode: 0, timedOut: false };
  const rest = { durationMs: 1, tests: null, stream: "", baseline: null, failure: null, flags: [] };
  const test = { ...own, name: "npm test", command: "npm test" };
  await say(
    store,
    run,
    {
      type: "baseline",
      at: 2,
      checks: [
        { ...test, ...rest },
        { ...own, ...rest },
      ],
    },
    verdict(3),
  );
  await say(store, run, finished());
  await request(store, { kind: "MergeBranch", task: task.id });
  const { order } = await givenOrder(store, "MergeBranch");
  assert.deepEqual(order.checks, [CHECK, { name: "lint", command: "npm run lint", timeoutMs: 600_000 }]);
});

onEveryEngine("a pull request is for one branch, and says what is known where nobody says more", async (database) => {
  await using store = await database.open();
  const { contract, task, end } = await atWork(store);
  await assert.rejects(request(store, { kind: "CreatePullRequest", task: task.id }), { code: "conflict" });
  for (const both of [{}, { task: task.id, contract: contract.id }]) {
    await assert.rejects(request(store, { kind: "CreatePullRequest", ...both }), { code: "invalid_request" });
  }
  await end("completed");
  await request(store, { kind: "CreatePullRequest", task: task.id });
  const own = await givenOrder(store, "CreatePullRequest");
  const tasks = `- Mend the parser (${shortId(task.id)}): completed`;
  const body = `Make the tests pass\n\n## Checks\n\n- \`npm test\`\n\n## Tasks\n\n${tasks}`;
  const into = { kind: "CreatePullRequest", repository: terms.repository, into: "main" } as const;
  assert.deepEqual(own.order, { ...into, branch: task.branch, title: task.name, body, draft: false });
  await report(store, own.commandId, { error: { code: "git_failed", message: "no remote", hint: "" } });

  const said = { title: "Parser", body: "Mended", draft: true };
  await request(store, { kind: "CreatePullRequest", contract: contract.id, ...said });
  const { order } = await givenOrder(store, "CreatePullRequest");
  assert.deepEqual(order, { ...into, branch: contract.integrationBranch, ...said });
});

onEveryEngine("checkpoints are numbered after the iteration, and restored where no agent works", async (database) => {
  await using store = await database.open();
  const { task, run, place, end } = await atWork(store);
  const create = { kind: "CreateCheckpoint", task: task.id, message: "Before the rewrite" };
  await request(store, create);
  const first = await givenOrder(store, "CreateCheckpoint");
  assert.deepEqual(first.order, { kind: "CreateCheckpoint", place, name: "3.1", message: "Before the rewrite" });
  const ref = `refs/makima/checkpoints/${task.id}/3.1`;
  await report(store, first.commandId, { result: { name: "3.1", ref, commit: "a".repeat(40) } });
  const [kept, ...others] = await listCheckpoints(store.db, task.id);
  const { runId } = run;
  const made = { taskId: task.id, name: "3.1", runId, commit: "a".repeat(40), ref, message: "Before the rewrite" };
  assert.deepEqual([kept, others], [{ ...made, createdAt: kept?.createdAt }, []]);
  await request(store, create);
  assert.equal((await givenOrder(store, "CreateCheckpoint")).order.name, "3.2");

  const restore = { kind: "RestoreCheckpoint", task: task.id, checkpoint: "3.1" };
  await assert.rejects(request(store, restore), { code: "conflict", hint: /^Stop the task/ });
  await store.write((tx) => pauseTask(tx, task.id));
  await say(store, run, paused);
  await assert.rejects(request(store, restore), { code: "conflict", message: /is paused/ });
  await end("failed");
  await assert.rejects(request(store, { ...restore, checkpoint: "9.9" }), { code: "not_found" });
  // The one that is still to be made has its name already.
  const { id } = await request(store, restore);
  const row = await store.db.selectFrom("operations").select("order").where("id", "=", id).executeTakeFirstOrThrow();
  const order = { kind: "RestoreCheckpoint", place, commit: "a".repeat(40), save: "3.3" };
  assert.deepEqual(JSON.parse(row.order), order);
  const saved = { name: "3.3", ref: `refs/makima/checkpoints/${task.id}/3.3`, commit: "b".repeat(40) };
  const resume = () => store.write((tx) => resumeTask(tx, task.id, {}));
  await assert.rejects(resume(), { code: "conflict", message: /is being restored/ });
  const given = (await givenOrders(store)).find((one) => one.order.kind === "RestoreCheckpoint");
  await report(store, given?.commandId ?? "", { result: { commit: "a".repeat(40), saved } });
  const names = (await listCheckpoints(store.db, task.id)).map(({ name, message }) => `${name}: ${message}`);
  assert.deepEqual(names, ["3.1: Before the rewrite", "3.3: Before the checkpoint aaaaaaaaaaaa was restored"]);
  assert.equal((await resume()).status, "pending");
});

onEveryEngine("a checkpoint of a completed task is branched off from, and not restored", async (database) => {
  await using store = await database.open();
  const { task, run, end } = await atWork(store);
  const commit = "a".repeat(40);
  await say(store, run, { type: "checkpoint", at: 4, index: 3, ref: `refs/makima/checkpoints/${task.id}/3`, commit });
  await end("completed");
  const restore = { kind: "RestoreCheckpoint", task: task.id, checkpoint: "3" };
  await assert.rejects(request(store, restore), { code: "conflict", hint: /branch create NAME --from aaaaaaaaaaaa`/ });
});

onEveryEngine(
  "names that git would take for something else, and paths that lead out, are refused",
  async (database) => {
    await using store = await database.open();
    const { contract, task, end } = await atWork(store);
    await end("completed");
    const read = { kind: "ReadFile", task: task.id };
    for (const path of ["/etc/passwd", "../x", "a/../../x", ".."]) {
      await assert.rejects(request(store, { ...read, path }), { code: "invalid_request" }, path);
    }
    for (const ref of ["-x", "a..b", "main~1", "--output=x"]) {
      await assert.rejects(request(store, { ...read, path: "a", ref }), { code: "invalid_request" }, ref);
      await assert.rejects(request(store, { kind: "MergeBranch", task: task.id, into: ref }), {
        code: "invalid_request",
      });
      const branch = { kind: "CreateBranch", contract: contract.id };
      await assert.rejects(request(store, { ...branch, name: ref }), { code: "invalid_request" });
      await assert.rejects(request(store, { ...branch, name: "spike", from: ref }), { code: "invalid_request" });
    }
  },
);
