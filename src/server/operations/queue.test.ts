import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenContract } from "../../protocol/api.ts";
import { readChanges } from "../changes/changes.ts";
import { openContract } from "../contracts/create.ts";
import { deleteContract } from "../contracts/transitions.ts";
import type { Store } from "../db/store.ts";
import { resumeTask } from "../tasks/resume.ts";
import { getTask } from "../tasks/view.ts";
import { finished, opened, started } from "../testing/data.ts";
import { onEveryEngine, postgresDatabase } from "../testing/engines.ts";
import { CONFLICT, endMerge, givenOrder, givenOrders, mergeResult, report, request } from "../testing/operations.ts";
import { addTask, connect, nextRun, say } from "../testing/run.ts";
import { getOperation } from "./rows.ts";

/** A contract that a person drives, with tasks that have ended. */
async function withEnded(store: Store, count: number) {
  const contract = await store.write((tx) => openContract(tx, OpenContract.parse(opened)));
  await connect(store);
  const tasks: string[] = [];
  while (tasks.length < count) {
    const { id } = await addTask(store, contract.id);
    await say(store, await nextRun(store, id), started, finished());
    tasks.push(id);
  }
  return { contract, tasks };
}

const merge = (store: Store, task: string, more: object = {}) => request(store, { kind: "MergeBranch", task, ...more });

async function status(store: Store, { id }: { id: string }): Promise<string> {
  return (await getOperation(store.db, id)).status;
}

onEveryEngine("merges of a contract go one after the other, in the order asked for", async (database) => {
  await using store = await database.open();
  const { contract, tasks } = await withEnded(store, 3);
  const asked = [];
  for (const task of tasks) asked.push(await merge(store, task, { into: "main" }));
  asked.push(await request(store, { kind: "CreatePullRequest", contract: contract.id }));
  assert.deepEqual(
    asked.map((operation) => operation.status),
    ["running", "queued", "queued", "queued"],
  );
  // What only looks does not wait.
  assert.equal((await request(store, { kind: "ListBranches", contract: contract.id })).status, "running");
  const seen: string[] = [];
  for (;;) {
    const [next, ...others] = (await givenOrders(store)).filter(({ order }) => order.kind !== "ListBranches");
    if (next === undefined) break;
    assert.deepEqual(others, []);
    seen.push(next.order.kind === "MergeBranch" ? next.order.place.taskId : next.order.kind);
    const failed = seen.length === 2;
    const error = { code: "git_failed", message: "the disk is full", hint: "" };
    const result = next.order.kind === "MergeBranch" ? mergeResult(next.order) : { remote: "origin", branch: "b" };
    await report(store, next.commandId, failed ? { error } : { result });
  }
  assert.deepEqual(seen, [...tasks, "CreatePullRequest"]);
  const ended = await Promise.all(asked.map((operation) => status(store, operation)));
  assert.deepEqual(ended, ["done", "failed", "done", "failed"]);
});

onEveryEngine("contracts do not wait for each other", async (database) => {
  await using store = await database.open();
  for (const { tasks } of [await withEnded(store, 1), await withEnded(store, 1)]) {
    assert.equal((await merge(store, tasks[0] ?? "")).status, "running");
  }
});

onEveryEngine("what has become pointless while it waited fails, and the next one has its turn", async (database) => {
  await using store = await database.open();
  const { contract, tasks } = await withEnded(store, 3);
  const [first, reopened, last] = tasks.map((task) => () => merge(store, task));
  assert.ok(first !== undefined && reopened !== undefined && last !== undefined);
  await first();
  const pointless = await reopened();
  const sensible = await last();
  const look = await merge(store, tasks[1] ?? "", { dryRun: true });
  await store.write((tx) => resumeTask(tx, tasks[1] ?? "", {}, "One more thing"));
  await endMerge(store, {});
  assert.deepEqual((await getOperation(store.db, pointless.id)).error?.message, "Its task is pending now");
  assert.equal(await status(store, sensible), "running");
  await endMerge(store, {});
  assert.equal(await status(store, look), "running");

  const late = await merge(store, tasks[0] ?? "");
  await store.write((tx) => deleteContract(tx, contract.id));
  await endMerge(store, { outcome: "clean" });
  const failed = await getOperation(store.db, late.id);
  assert.deepEqual([failed.status, failed.error?.code], ["failed", "conflict"]);
  assert.deepEqual(await givenOrders(store), []);
});

onEveryEngine(
  "a merge into the integration branch that worked shows at the task; a look changes nothing",
  async (database) => {
    await using store = await database.open();
    const { tasks } = await withEnded(store, 1);
    const merged = async () => (await getTask(store.db, tasks[0] ?? "")).merge;
    const ends = [
      [{ dryRun: true }, { outcome: "clean" }],
      [{ into: "main" }, {}],
      [{}, CONFLICT],
    ] as const;
    for (const [how, result] of ends) {
      await merge(store, tasks[0] ?? "", how);
      await endMerge(store, result);
      assert.equal(await merged(), null);
    }
    const told = await store.db.selectFrom("notifications").select("kind").execute();
    assert.deepEqual(new Set(told.map(({ kind }) => kind)), new Set(["task-finished"]));
    await merge(store, tasks[0] ?? "");
    await endMerge(store, { outcome: "up-to-date" });
    assert.equal(await merged(), "merged");
  },
);

onEveryEngine("a result is kept, and stays out of lists and the change feed", async (database) => {
  await using store = await database.open();
  const { tasks } = await withEnded(store, 1);
  const { id } = await request(store, { kind: "ReadFile", task: tasks[0] ?? "", path: "a.bin" });
  const { commandId } = await givenOrder(store, "ReadFile");
  const result = { path: "a.bin", content: Buffer.from("\0\u0001").toString("base64"), size: 2, truncated: false };
  await report(store, commandId, { result });
  const operation = await getOperation(store.db, id);
  assert.deepEqual([operation.status, operation.result, operation.error], ["done", result, null]);
  const changes = (await readChanges(store.db, 0, 1000)).filter(({ kind }) => kind === "operation");
  assert.deepEqual(
    changes.map(({ data }) => [data["status"], data["result"]]),
    [
      ["queued", null],
      ["running", null],
      ["done", null],
    ],
  );
});

test("two servers that ask at the same time: one order after the other, none lost", async () => {
  await using database = await postgresDatabase();
  await using one = await database.open();
  await using two = await database.open();
  const { tasks } = await withEnded(one, 3);
  const [task = ""] = tasks;
  const asked = Array.from({ length: 12 }, (_, index) => merge(index % 2 === 0 ? one : two, task, { into: "main" }));
  await Promise.all(asked);
  for (let left = 12; left > 0; left -= 1) {
    const { commandId, order } = await givenOrder(left % 2 === 0 ? one : two, "MergeBranch");
    await report(left % 3 === 0 ? one : two, commandId, { result: mergeResult(order) });
  }
  assert.deepEqual(await givenOrders(one), []);
  const rows = await one.db.selectFrom("operations").select(["seq", "status"]).orderBy("seq").execute();
  assert.deepEqual(
    rows.map(({ seq, status: end }) => [seq, end]),
    rows.map((_, index) => [index + 1, "done"]),
  );
});
