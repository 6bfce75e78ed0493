import assert from "node:assert/strict";
import { CreateContract, OpenContract } from "../../protocol/api.ts";
import type { CreateContract as Terms } from "../../protocol/api.ts";
import { readChanges } from "../changes/changes.ts";
import { completeContract } from "../contracts/completion.ts";
import { getContract } from "../contracts/contracts.ts";
import { createContract, openContract } from "../contracts/create.ts";
import { releaseIdentity } from "../daemons/identity.ts";
import { removeDaemon } from "../daemons/remove.ts";
import type { Store } from "../db/store.ts";
import { resumeTask } from "../tasks/resume.ts";
import { getTask } from "../tasks/view.ts";
import { contract as terms, finished, opened, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { CONFLICT, endMerge, givenOrder, givenOrders, RED, report } from "../testing/operations.ts";
import { addTask, connect, HOLDER, newSupervisor, nextRun, say, work } from "../testing/run.ts";

const ERROR = { code: "git_failed", message: "the disk is full", hint: "" };

/** A contract that nobody drives, whose only task is completed. */
async function completed(store: Store, more: Partial<Terms> = {}) {
  const input = CreateContract.parse({ ...terms, baseBranch: "main", completionAction: "branch", ...more });
  const { contract, task } = await store.write((tx) => createContract(tx, input));
  await connect(store);
  await work(store, task.id, "completed");
  return { contract, taskId: task.id };
}

/** A contract that a person drives. */
async function driven(store: Store, more: Partial<Terms> = {}): Promise<string> {
  const input = OpenContract.parse({ ...opened, baseBranch: "main", completionAction: "branch", ...more });
  const { id } = await store.write((tx) => openContract(tx, input));
  await connect(store);
  return id;
}

async function mergeOf(store: Store, taskId: string) {
  const { status, merge } = await getTask(store.db, taskId);
  return [status, merge];
}

/** What people were told of merges, and what agents are to hear. */
async function told(store: Store): Promise<string[]> {
  const rows = await store.db.selectFrom("notifications").select(["kind", "title"]).orderBy("id").execute();
  return rows.flatMap(({ kind, title }) => (kind.startsWith("merge-") ? [`${kind}: ${title}`] : []));
}

async function messages(store: Store, taskId: string): Promise<string[]> {
  const rows = await store.db.selectFrom("messages").select(["kind", "text"]).where("task_id", "=", taskId).execute();
  return rows.map(({ kind, text }) => `${kind}: ${text}`);
}

async function statusOf(store: Store, contractId: string): Promise<string> {
  return (await getContract(store.db, contractId)).status;
}

onEveryEngine("nobody who follows a task sees it completed before its merge is queued", async (database) => {
  await using store = await database.open();
  const { taskId } = await completed(store);
  await endMerge(store, { outcome: "merged", commit: "c" });
  const changes = await readChanges(store.db, 0, 100);
  const seen = changes.filter(({ id, data }) => id === taskId && data["status"] === "completed");
  assert.deepEqual(
    seen.map(({ data }) => data["merge"]),
    ["queued", "merged"],
  );
});

onEveryEngine(
  "what is completed is merged before the contract is, and its dependants wait for that",
  async (database) => {
    await using store = await database.open();
    const contractId = await driven(store);
    const first = await addTask(store, contractId);
    const next = await addTask(store, contractId, { after: [first.id] });
    const blocked = async () => (await getTask(store.db, next.id)).reason;
    await work(store, first.id, "completed");
    assert.deepEqual(await mergeOf(store, first.id), ["completed", "queued"]);
    assert.notEqual(await blocked(), null);
    const { order } = await givenOrder(store, "MergeBranch");
    const { integrationBranch } = await getContract(store.db, contractId);
    assert.deepEqual([order.into, order.place.branch, order.checks.length], [integrationBranch, first.branch, 1]);
    await endMerge(store, {});
    assert.deepEqual(await mergeOf(store, first.id), ["completed", "merged"]);
    await work(store, next.id, "completed");

    const single = await completed(store);
    assert.equal(await statusOf(store, single.contract.id), "active");
    const orders = await givenOrders(store);
    assert.equal(orders.length, 2);
    const own = orders.find((one) => one.order.kind === "MergeBranch" && one.order.place.taskId === single.taskId);
    assert.ok(own?.order.kind === "MergeBranch");
    const result = { outcome: "up-to-date", into: own.order.into, commit: null, tree: null, conflicts: [] };
    await report(store, own.commandId, { result: { ...result, checks: [], output: "" } });
    assert.equal(await statusOf(store, single.contract.id), "completed");
  },
);

onEveryEngine("what has nothing to merge, or is not to be merged, is not", async (database) => {
  await using store = await database.open();
  await completed(store, { completionAction: "none" });
  const contractId = await driven(store);
  const ends = [{ head: terms.base }, { head: null }, { branchKept: false }, { outcome: "failed" }] as const;
  for (const end of ends) {
    const { id } = await addTask(store, contractId);
    await say(store, await nextRun(store, id), started, finished(end));
    assert.equal((await mergeOf(store, id))[1], null);
  }
  const supervisor = await newSupervisor(store, { completionAction: "branch" });
  await say(store, supervisor, finished());
  assert.deepEqual(await givenOrders(store), []);
});

onEveryEngine("a conflict goes back to the agent once, with the facts, and then to a person", async (database) => {
  await using store = await database.open();
  const { taskId, contractId } = await withSupervisor(store);
  await endMerge(store, CONFLICT);
  assert.deepEqual(await mergeOf(store, taskId), ["pending", null]);
  const [message = "", ...others] = await messages(store, taskId);
  assert.deepEqual(others, []);
  assert.match(message, /^event: .*- src\/parser\.ts \(contents\).*`git merge makima\//s);
  assert.deepEqual(await told(store), []);

  await work(store, taskId, "completed");
  assert.deepEqual(await mergeOf(store, taskId), ["completed", "queued"]);
  await endMerge(store, CONFLICT);
  assert.deepEqual(await mergeOf(store, taskId), ["completed", "conflict"]);
  assert.deepEqual(await told(store), ["merge-conflict: Merge conflict: Next"]);
  const supervisor = (await messagesOfSupervisor(store, contractId)).at(-1);
  assert.match(supervisor ?? "", /could not be merged into makima.* Conflicts: src\/parser\.ts \(contents\)/);

  // Who is told how to resolve it starts afresh, but is not sent back again.
  await store.write((tx) => resumeTask(tx, taskId, {}, "Take theirs"));
  await work(store, taskId, "completed");
  await endMerge(store, {});
  assert.deepEqual(await mergeOf(store, taskId), ["completed", "merged"]);
});

onEveryEngine("so do red checks; what could not be tried at all goes to a person at once", async (database) => {
  await using store = await database.open();
  const { taskId } = await withSupervisor(store);
  await endMerge(store, RED);
  assert.match((await messages(store, taskId)).join(), /- npm test: exit code 1.*ends with:\n1 test fails\n/s);
  await work(store, taskId, "completed");
  await endMerge(store, RED);
  assert.deepEqual(await mergeOf(store, taskId), ["completed", "failed"]);

  const other = await completed(store);
  const { commandId } = await givenOrder(store, "MergeBranch");
  await report(store, commandId, { error: ERROR });
  assert.deepEqual(await mergeOf(store, other.taskId), ["completed", "failed"]);
  assert.deepEqual(await told(store), [
    "merge-failed: Merge failed: Next",
    "merge-failed: Merge failed: Mend the parser",
  ]);
  assert.equal(await statusOf(store, other.contract.id), "active");
});

onEveryEngine("one that is wanted further while it is merged stays with its agent", async (database) => {
  await using store = await database.open();
  const { taskId } = await completed(store);
  await store.write((tx) => resumeTask(tx, taskId, {}, "One more thing"));
  await endMerge(store, {});
  assert.deepEqual(await mergeOf(store, taskId), ["pending", null]);
  await work(store, taskId, "completed");
  await endMerge(store, {});
  assert.deepEqual(await mergeOf(store, taskId), ["completed", "merged"]);
});

onEveryEngine("a completed contract lands where it came from, in each repository it has work in", async (database) => {
  await using store = await database.open();
  const further = { path: "/srv/other", base: terms.base, branch: "trunk" };
  const untouched = { ...further, path: "/srv/untouched" };
  const contractId = await driven(store, { completionAction: "merge", repositories: [further, untouched] });
  for (const repository of [terms.repository, further.path]) {
    await work(store, (await addTask(store, contractId, { repository })).id, "completed");
    await endMerge(store, {});
  }
  await store.write((tx) => completeContract(tx, contractId));
  const { integrationBranch: branch, name } = await getContract(store.db, contractId);
  const first = await givenOrder(store, "MergeBranch");
  const { repository, base } = terms;
  assert.deepEqual(first.order.place, { taskId: contractId, repository, base, branch, bubblewrap: false });
  assert.deepEqual([first.order.into, first.order.start, first.order.checks.length], ["main", null, 1]);
  await endMerge(store, {});
  const second = await givenOrder(store, "MergeBranch");
  assert.deepEqual([second.order.place.repository, second.order.into], [further.path, "trunk"]);
  await endMerge(store, CONFLICT);
  assert.deepEqual(await givenOrders(store), []);
  assert.deepEqual(await told(store), [`merge-conflict: Merge conflict: ${name}`]);
});

onEveryEngine("or as a pull request; a person hears when that fails", async (database) => {
  await using store = await database.open();
  const { contract } = await completed(store, { completionAction: "pr" });
  await endMerge(store, {});
  assert.equal(await statusOf(store, contract.id), "completed");
  const { commandId, order } = await givenOrder(store, "CreatePullRequest");
  assert.deepEqual([order.branch, order.into, order.title], [contract.integrationBranch, "main", contract.name]);
  assert.match(order.body, /## Tasks\n\n- Mend the parser /);
  await report(store, commandId, { error: ERROR });
  assert.deepEqual(await told(store), [`merge-failed: Merge failed: ${contract.name}`]);
});

onEveryEngine("work that is on a daemon which was removed lands nowhere, and a person hears", async (database) => {
  await using store = await database.open();
  const contractId = await driven(store, { completionAction: "merge" });
  await work(store, (await addTask(store, contractId)).id, "completed");
  await endMerge(store, {});
  await store.write((tx) => releaseIdentity(tx, HOLDER));
  await store.write((tx) => removeDaemon(tx, HOLDER.daemonId));
  await store.write((tx) => completeContract(tx, contractId));
  assert.deepEqual((await told(store)).length, 1);
});

/** A completed task, whose merge is under way, and a supervisor that hears of what becomes of it. */
async function withSupervisor(store: Store) {
  const { contractId } = await newSupervisor(store, { completionAction: "branch" });
  const { id: taskId } = await addTask(store, contractId);
  await work(store, taskId, "completed");
  return { contractId, taskId };
}

async function messagesOfSupervisor(store: Store, contractId: string): Promise<string[]> {
  const { id } = await store.db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", contractId)
    .where("role", "=", "supervisor")
    .executeTakeFirstOrThrow();
  return messages(store, id);
}
