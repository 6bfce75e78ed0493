import assert from "node:assert/strict";
import { isBranchName } from "../../core/ids.ts";
import { authenticate } from "../auth/keys.ts";
import { openCommands } from "../commands/commands.ts";
import { pauseContract, resumeContract } from "../contracts/transitions.ts";
import type { Store } from "../db/store.ts";
import { readHeads } from "../dispatch/heads.ts";
import { spawnRun } from "../dispatch/spawn.ts";
import { listRuns } from "../runs/runs.ts";
import { iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { append, connect, DAEMON, newRun, nextRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { pauseTask } from "./pause.ts";
import { requeueTask } from "./requeue.ts";
import { resumeTask } from "./resume.ts";
import { stopTask } from "./stop.ts";
import { getTask } from "./view.ts";

async function requeue(store: Store, { taskId }: TestRun) {
  return store.write((tx) => requeueTask(tx, taskId, "its daemon is lost"));
}

async function specs(store: Store, daemonId = DAEMON) {
  const commands = await openCommands(store.db, daemonId, 0);
  return commands.flatMap(({ command }) => (command.kind === "SpawnTask" ? [command.spec] : []));
}

onEveryEngine("a lost run is fenced, and its task starts afresh on another branch", async (database) => {
  await using store = await database.open();
  const first = await newRun(store);
  await say(store, first, started, iterationStarted(1), verdict(1, { sessionId: "s1" }));
  const [before] = await specs(store);
  assert.ok(before !== undefined);
  const task = await requeue(store, first);
  assert.deepEqual([task.status, task.reason], ["pending", "its daemon is lost"]);
  assert.equal(task.branch, `${before.branch}-2`);
  assert.equal(await authenticate(store, before.taskToken), null);
  assert.deepEqual(await openCommands(store.db, DAEMON, 0), [], "nobody is to spawn it when the daemon comes back");

  const late = { stream: "events", offset: 0, data: Buffer.from("late") };
  assert.deepEqual(await append(store, first, [late]), [{ kind: "fenced", run: first.runId }]);
  await connect(store, { id: "d2" });
  await store.write((tx) => spawnRun(tx, first.taskId, "d2"));
  const [spec] = await specs(store, "d2");
  assert.deepEqual([spec?.fence, spec?.branch], [2, task.branch]);
  assert.deepEqual(spec?.resume, { runId: first.runId, sessionId: null, breaker: { iteration: 1 }, costUsd: 0.5 });
  const runs = await listRuns(store.db, first.taskId);
  assert.deepEqual(
    runs.map(({ fence, status, daemonId }) => [fence, status, daemonId]),
    [
      [2, "assigned", "d2"],
      [1, "fenced", DAEMON],
    ],
  );
  assert.deepEqual(await append(store, first, [late]), [{ kind: "fenced", run: first.runId }]);
});

onEveryEngine("however often a task is taken from a daemon, its branch has one number", async (database) => {
  await using store = await database.open();
  let run = await newRun(store);
  const { branch } = await getTask(store.db, run.taskId);
  for (let fence = 2; fence <= 12; fence += 1) {
    assert.equal((await requeue(store, run)).branch, `${branch}-${fence}`);
    run = await nextRun(store, run.taskId);
  }
  assert.ok(isBranchName((await getTask(store.db, run.taskId)).branch));
});

onEveryEngine("a task that was to be stopped is not started again, one without a live run not taken", async (db) => {
  await using store = await db.open();
  const run = await newRun(store);
  await store.write((tx) => stopTask(tx, run.taskId, "enough"));
  assert.equal((await requeue(store, run)).status, "cancelled");
  await assert.rejects(requeue(store, run), { code: "conflict" });
  await store.write((tx) => resumeTask(tx, run.taskId, {}));
  await assert.rejects(requeue(store, run), { code: "conflict" });
});

onEveryEngine("a pause outlives the daemon: the task is started only when it is resumed", async (database) => {
  await using store = await database.open();
  const ready = async () => (await readHeads(store.db)).map(({ taskId }) => taskId);
  const own = await newRun(store);
  await say(store, own, started);
  await store.write((tx) => pauseTask(tx, own.taskId));
  assert.match((await requeue(store, own)).reason ?? "", /resume it/);
  assert.deepEqual(await ready(), []);
  await store.write((tx) => resumeTask(tx, own.taskId, {}));
  assert.deepEqual(await ready(), [own.taskId]);
  await assert.rejects(
    store.write((tx) => resumeTask(tx, own.taskId, {})),
    { code: "conflict" },
  );

  const other = await newRun(store);
  const { contractId } = await getTask(store.db, other.taskId);
  await store.write((tx) => pauseContract(tx, contractId));
  await requeue(store, other);
  assert.deepEqual(await ready(), [own.taskId]);
  await store.write((tx) => resumeContract(tx, contractId));
  assert.deepEqual((await ready()).toSorted(), [own.taskId, other.taskId].toSorted());
});
