import assert from "node:assert/strict";
import type { RunEvent } from "../../protocol/run-events.ts";
import { openCommands } from "../commands/commands.ts";
import type { Store } from "../db/store.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { brokenRules } from "../testing/rules.ts";
import { addTask, DAEMON, newSupervisor, nextRun, say, work } from "../testing/run.ts";
import { changeTask } from "./change.ts";
import { requeueTask } from "./requeue.ts";
import { resumeTask } from "./resume.ts";
import { getTask } from "./view.ts";

const TIP = "f".repeat(40);
const checkout: RunEvent = {
  type: "checkout",
  at: 1,
  worktree: "/worktrees/one",
  base: TIP,
  head: TIP,
  tree: "t",
  excluded: 0,
  checks: [],
};

async function lastSpawn(store: Store) {
  const commands = await openCommands(store.db, DAEMON, 0);
  const command = commands.map((each) => each.command).findLast(({ kind }) => kind === "SpawnTask");
  assert.ok(command?.kind === "SpawnTask");
  return command;
}

onEveryEngine("a completed task goes on where it was completed, told what is still to be done", async (database) => {
  await using store = await database.open();
  const { contractId } = await newSupervisor(store);
  const { id, branch } = await addTask(store, contractId);
  const first = await nextRun(store, id);
  const { startAt, spec } = await lastSpawn(store);
  assert.deepEqual([startAt?.required, spec.base === TIP], [false, false]);
  const done = verdict(1, { verdict: "done", sessionId: "s1", breaker: { state: "closed", iterations: 9 } });
  await say(store, first, started, checkout, iterationStarted(1), done, finished());
  await store.write((tx) => changeTask(tx, id, { merge: "merged" }));
  await assert.rejects(
    store.write((tx) => resumeTask(tx, id, {})),
    { code: "conflict", hint: /--message/ },
  );

  const reopened = await store.write((tx) => resumeTask(tx, id, { maxIterations: 3 }, "Mind the tests"));
  assert.deepEqual([reopened.status, reopened.merge, reopened.base], ["pending", null, TIP]);
  assert.match(reopened.reason ?? "", /^Goes on with daemon d1/);
  assert.deepEqual(await brokenRules(store), []);
  await nextRun(store, id);
  const again = await lastSpawn(store);
  assert.equal(again.startAt, null);
  assert.deepEqual(
    again.messages.map(({ kind, text }) => [kind, text]),
    [["person", "Mind the tests"]],
  );
  const { base, branch: same, limits, resume } = again.spec;
  assert.deepEqual([base, same, limits.maxIterations], [TIP, branch, 3]);
  // What it had used up of its limits was used for what is done.
  assert.deepEqual(resume, { runId: first.runId, sessionId: "s1", breaker: null, costUsd: 0.5 });
});

onEveryEngine("what began after a task goes on when that is reopened, and waits for it when it is lost", async (db) => {
  await using store = await db.open();
  const { contractId } = await newSupervisor(store);
  const first = await addTask(store, contractId, { name: "First" });
  const second = await addTask(store, contractId, { after: [first.id] });
  await work(store, first.id, "completed");
  await say(store, await nextRun(store, second.id), started);
  await store.write((tx) => resumeTask(tx, first.id, {}, "Mind the tests"));
  assert.equal((await getTask(store.db, second.id)).status, "running");
  const lost = await store.write((tx) => requeueTask(tx, second.id, "its daemon is lost"));
  assert.deepEqual([lost.status, (await getTask(store.db, second.id)).reason], ["pending", "Waits for First"]);
  assert.deepEqual(await brokenRules(store), []);
});

onEveryEngine("a task that never began still starts where its contract's branch is by then", async (database) => {
  await using store = await database.open();
  const { contractId } = await newSupervisor(store);
  const { id } = await addTask(store, contractId, { base: "release-2" });
  await say(store, await nextRun(store, id), started, finished({ outcome: "failed" }));
  await store.write((tx) => resumeTask(tx, id, {}));
  await nextRun(store, id);
  assert.deepEqual((await lastSpawn(store)).startAt, { ref: "release-2", required: true });
});

onEveryEngine("a paused task hears a message before it goes on", async (database) => {
  await using store = await database.open();
  const { contractId } = await newSupervisor(store);
  const { id } = await addTask(store, contractId);
  const run = await nextRun(store, id);
  await say(store, run, started, { type: "paused", at: 2 });
  await store.write((tx) => resumeTask(tx, id, {}, "Mind the tests"));
  const kinds = (await openCommands(store.db, DAEMON, 0)).map(({ command }) => command.kind);
  assert.deepEqual(kinds.slice(-2), ["MessageTask", "ResumeTask"]);
});
