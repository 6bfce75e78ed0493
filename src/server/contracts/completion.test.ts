import assert from "node:assert/strict";
import { fromJson } from "../db/json.ts";
import type { Store } from "../db/store.ts";
import { readVersion } from "../files/files.ts";
import { createFile } from "../files/write.ts";
import { listNotifications } from "../notifications/list.ts";
import { askQuestion } from "../questions/ask.ts";
import { createReport } from "../reports/reports.ts";
import { addWorker, newContract, newOpened } from "../testing/contracts.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { connect, nextRun, say } from "../testing/run.ts";
import { setCompletionAction } from "./completion-action.ts";
import { completeContract, completeIfDone } from "./completion.ts";
import { getContract } from "./contracts.ts";
import { deleteContract } from "./transitions.ts";

async function reportOf(store: Store, id: string): Promise<string> {
  return (await readVersion(store.db, id, "report", undefined)).content;
}

async function endOf(store: Store, id: string): Promise<number | null> {
  const row = await store.db.selectFrom("contracts").select("ended_at").where("id", "=", id).executeTakeFirstOrThrow();
  return row.ended_at;
}

async function told(store: Store) {
  const { items } = await listNotifications(store.db, { unread: false, kind: "contract-done" }, { limit: 10 });
  return items;
}

function setMerge(store: Store, taskId: string, merge: "queued" | "conflict" | "merged") {
  return store.db.updateTable("tasks").set({ merge }).where("id", "=", taskId).execute();
}

onEveryEngine("a contract of one task ends with it, and leaves a report", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, { goals: ["Be right"] });
  await connect(store);
  const run = await nextRun(store, task.id);
  await say(store, run, started, iterationStarted(1), verdict(1));
  assert.equal(await endOf(store, contract.id), null);
  await store.write((tx) => createReport(tx, contract.id, { taskId: task.id, text: "Half done" }));
  await store.write((tx) => askQuestion(tx, { taskId: task.id, runId: null, text: "Which one?", choices: [] }));
  await say(store, run, finished());
  assert.equal((await getContract(store.db, contract.id)).status, "completed");
  assert.ok(((await endOf(store, contract.id)) ?? 0) >= contract.createdAt);
  const report = await reportOf(store, contract.id);
  for (const line of [
    "# Mend the parser",
    "- Cost: $0.50",
    "- [ ] Be right",
    "- **Mend the parser**: completed, 1 iteration, $0.50, verified",
    "  - Changes: 1 file changed",
    "- **Mend the parser**: Which one?",
  ]) {
    assert.ok(report.split("\n").includes(line), `${line} in ${report}`);
  }
  assert.match(report, /UTC, \*\*Mend the parser\*\*: Half done\n/);
  const [notification, ...others] = await told(store);
  assert.match(notification?.body ?? "", /`report`/);
  assert.deepEqual(others, []);
});

onEveryEngine("it does not end while a merge of it is open, unless nothing is to be merged", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, { completionAction: "branch" });
  await setMerge(store, task.id, "queued");
  await connect(store);
  await say(store, await nextRun(store, task.id), started, finished({ branchKept: false }));
  const state = async () => (await getContract(store.db, contract.id)).status;
  for (const merge of ["queued", "conflict"] as const) {
    await setMerge(store, task.id, merge);
    await store.write((tx) => completeIfDone(tx, contract.id));
    assert.equal(await state(), "active", merge);
  }
  await store.write((tx) => setCompletionAction(tx, contract.id, "none"));
  assert.equal(await state(), "completed");

  const other = await newContract(store, { completionAction: "branch" });
  await say(store, await nextRun(store, other.task.id), started, finished({ branchKept: false }));
  assert.equal((await getContract(store.db, other.contract.id)).status, "completed");
});

onEveryEngine("what somebody drives does not end by itself", async (database) => {
  await using store = await database.open();
  const opened = await newOpened(store);
  const { contract, task } = await newContract(store, { supervisor: true });
  await connect(store);
  await say(store, await nextRun(store, task.id), started, finished());
  await addWorker(store, opened.id, "completed");
  await addWorker(store, contract.id, "completed");
  for (const { id } of [opened, contract]) {
    await store.write((tx) => completeIfDone(tx, id));
    assert.equal((await getContract(store.db, id)).status, "active");
    assert.equal((await store.write((tx) => completeContract(tx, id))).status, "completed");
  }
  assert.equal((await told(store)).length, 2);
});

onEveryEngine("completed again, a contract neither reports nor tells again", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  const first = await store.write((tx) => completeContract(tx, id));
  const ended = await endOf(store, id);
  assert.deepEqual(await store.write((tx) => completeContract(tx, id)), first);
  assert.equal((await readVersion(store.db, id, "report", undefined)).version, 1);
  assert.equal((await told(store)).length, 1);
  // Deleted after that, it has ended when it was completed.
  await store.write((tx) => deleteContract(tx, id));
  assert.equal(await endOf(store, id), ended);
});

onEveryEngine("a file that has the report's name becomes the report", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  await store.write((tx) => createFile(tx, id, { name: "report", content: "Mine" }));
  await store.write((tx) => completeContract(tx, id));
  const { file, version } = await readVersion(store.db, id, "report", undefined);
  assert.deepEqual([version, file.title], [2, "Report"]);
  assert.match(await reportOf(store, id), /^# Mend it all\n/);
  assert.equal((await readVersion(store.db, id, "report", 1)).content, "Mine");
});

onEveryEngine("work that was completed before it was to be merged is merged then", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  const kept = await addWorker(store, id, "completed");
  await addWorker(store, id, "failed");
  await store.write((tx) => setCompletionAction(tx, id, "branch"));
  const queued = await store.db.selectFrom("tasks").select("id").where("merge", "=", "queued").execute();
  assert.deepEqual(
    queued.map((task) => task.id),
    [kept],
  );
  await assert.rejects(
    store.write((tx) => setCompletionAction(tx, id, "merge")),
    { code: "invalid_request", hint: /Choose `branch` or `pr`/ },
  );
  const before = await getContract(store.db, id);
  assert.deepEqual(await store.write((tx) => setCompletionAction(tx, id, "branch")), before);
});

onEveryEngine("with the contract its work goes where it is to go", async (database) => {
  await using store = await database.open();
  const { id, integrationBranch } = await newOpened(store, { completionAction: "merge", baseBranch: "main" });
  await setMerge(store, await addWorker(store, id, "completed"), "merged");
  await store.write((tx) => completeContract(tx, id));
  const landing = await store.db.selectFrom("operations").select("order").where("task_id", "is", null).execute();
  const orders = landing.map(({ order }) => fromJson(order));
  assert.deepEqual(
    orders.map((order) => (order.kind === "MergeBranch" ? [order.place.branch, order.into] : [])),
    [[integrationBranch, "main"]],
  );
});
