import assert from "node:assert/strict";
import type { Notification } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import type { Store } from "../db/store.ts";
import { resumeTask } from "../tasks/resume.ts";
import { getTask } from "../tasks/view.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { DAEMON, newRun, nextRun, say } from "../testing/run.ts";
import { listNotifications } from "./list.ts";
import { notifyDaemonLost, notifyMergeConflict, notifyMergeFailed } from "./occasions.ts";

onEveryEngine("a finished task and its contract are told of", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, iterationStarted(1), verdict(1, { verdict: "done" }), finished());
  const [done, task, ...others] = (await told(store)).toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  assert.deepEqual(others, []);
  assert.deepEqual([task?.kind, task?.taskId, task?.title], ["task-finished", run.taskId, "Finished: Mend the parser"]);
  assert.match(String(task?.body), /^the gate is ready and every check passes\nIts work is on the branch makima\//);
  assert.deepEqual([done?.kind, done?.taskId, done?.contractId], ["contract-done", null, task?.contractId]);
});

onEveryEngine("a failure is told with reason and hint, once for each run", async (database) => {
  await using store = await database.open();
  const first = await newRun(store);
  const failed = finished({ outcome: "failed", reason: "No login", errorCode: "agent_not_logged_in", hint: "Log in." });
  await say(store, first, started, failed);
  await store.write((tx) => resumeTask(tx, first.taskId, {}));
  await say(store, await nextRun(store, first.taskId), started, failed);
  assert.deepEqual(
    (await told(store)).map(({ kind, body }) => [kind, body]),
    Array.from({ length: 2 }, () => ["task-failed", "No login\nLog in."]),
  );
});

onEveryEngine("a secret in a reason is not told, whatever the daemon has made of it", async (database) => {
  await using store = await database.open();
  const reason = `The API said: Bearer ${"Ab1".repeat(10)}`;
  await say(store, await newRun(store), started, finished({ outcome: "failed", reason }));
  assert.deepEqual(
    (await told(store)).map(({ body }) => body),
    ["The API said: ***"],
  );
});

onEveryEngine("a run that the breaker stopped is told of with its reason, and in no other way", async (database) => {
  await using store = await database.open();
  const reason = "No file changes for 3 consecutive runs";
  const stopped = verdict(1, { verdict: "stop", reason, breaker: { state: "open", reason } });
  await say(store, await newRun(store), started, iterationStarted(1), stopped, finished({ outcome: "failed", reason }));
  const [breaker, ...others] = await told(store);
  assert.deepEqual([breaker?.kind, breaker?.body.split("\n")[0], others], ["breaker-open", reason, []]);

  const other = finished({ outcome: "failed", reason: "The goal is met, but the work could not be put on its branch" });
  await say(store, await newRun(store), started, iterationStarted(1), stopped, other);
  assert.deepEqual(await kinds(store), ["breaker-open", "task-failed"]);
});

onEveryEngine("nobody is told of what a person has cancelled", async (database) => {
  await using store = await database.open();
  await say(store, await newRun(store), started, finished({ outcome: "cancelled", reason: "Cancelled by a person" }));
  assert.deepEqual(await told(store), []);
});

onEveryEngine("a usage limit is told of when it is reached, and when the run goes on after it", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const until = Date.UTC(2026, 0, 2, 3, 4);
  await say(store, run, started, iterationStarted(1), verdict(1, { verdict: "wait" }), waiting("usage-limit", until));
  const [reached] = await told(store);
  assert.deepEqual([reached?.kind, reached?.taskId], ["usage-limit-reached", run.taskId]);
  assert.equal(reached?.body, "You've hit your limit\nIt goes on at 2026-01-02 03:04 UTC.");

  await say(store, run, iterationStarted(2), verdict(2), iterationStarted(3));
  assert.deepEqual(await kinds(store), ["usage-limit-over", "usage-limit-reached"]);
  // Another limit is another thing.
  await say(store, run, waiting("usage-limit", until + 1), iterationStarted(4));
  assert.equal((await kinds(store)).length, 4);
});

onEveryEngine("a wait after an error is nobody's business", async (database) => {
  await using store = await database.open();
  await say(store, await newRun(store), started, iterationStarted(1), waiting("backoff", 5_000), iterationStarted(2));
  assert.deepEqual(await told(store), []);
});

onEveryEngine("a daemon is told of as lost once for each time that it goes away", async (database) => {
  await using store = await database.open();
  await newRun(store);
  await store.write((tx) => notifyDaemonLost(tx, DAEMON));
  await store.write((tx) => notifyDaemonLost(tx, DAEMON));
  await store.db.updateTable("daemons").set({ last_seen_at: 5 }).execute();
  await store.write((tx) => notifyDaemonLost(tx, DAEMON));
  assert.deepEqual(await kinds(store), ["daemon-lost", "daemon-lost"]);
  const bodies = (await told(store)).map(({ body }) => body);
  assert.ok(bodies.some((body) => body.startsWith("Not heard of since 1970-01-01 00:00 UTC, on box.")));
});

onEveryEngine("a merge that did not work out is told of once, as the task's or the contract's", async (database) => {
  await using store = await database.open();
  const { taskId } = await newRun(store);
  const { contractId } = await getTask(store.db, taskId);
  const merge = { subject: "operation", contractId, into: "main" };
  const conflicts = [{ path: "a.ts", kind: "contents" }];
  for (let times = 0; times < 2; times += 1) {
    await store.write((tx) => notifyMergeConflict(tx, { ...merge, taskId, conflicts }));
    await store.write((tx) => notifyMergeFailed(tx, { ...merge, taskId: null, reason: "The daemon is gone" }));
  }
  const [conflict, failed, ...others] = (await told(store)).toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  assert.deepEqual(others, []);
  assert.deepEqual([conflict?.kind, conflict?.taskId, conflict?.contractId], ["merge-conflict", taskId, contractId]);
  assert.deepEqual(
    [failed?.kind, failed?.taskId, failed?.title],
    ["merge-failed", null, "Merge failed: Mend the parser"],
  );
});

function waiting(kind: "usage-limit" | "backoff", until: number): RunEvent {
  return { type: "waiting", at: 4, kind, until, reason: "You've hit your limit" };
}

async function told(store: Store): Promise<Notification[]> {
  return (await listNotifications(store.db, { unread: false, kind: null }, { limit: 100 })).items;
}

/** Sorted: ids of the same moment are in no order. */
async function kinds(store: Store): Promise<string[]> {
  return (await told(store)).map(({ kind }) => kind).toSorted();
}
