import assert from "node:assert/strict";
import { openCommands } from "../commands/commands.ts";
import { releaseIdentity, takeIdentity } from "../daemons/identity.ts";
import { removeDaemon } from "../daemons/remove.ts";
import type { Store } from "../db/store.ts";
import { spawnRun } from "../dispatch/spawn.ts";
import { commandDone } from "../link/command-done.ts";
import { requeueTask } from "../tasks/requeue.ts";
import { getTask } from "../tasks/view.ts";
import { silent } from "../testing/basics.ts";
import { addWorker, newContract, newOpened } from "../testing/contracts.ts";
import { finished, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { endMerge, givenOrder, givenOrders, mergeResult, report, request } from "../testing/operations.ts";
import { connect, DAEMON, HOLDER, newRun, newSupervisor, nextRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { cleanUpAgain } from "./clean-up.ts";
import { completeAsSupervisor, completeContract } from "./completion.ts";
import { advancePhase } from "./phase.ts";
import { deleteContract } from "./transitions.ts";

const SECOND = "d2";

/** What a daemon is still to clean up: contracts with their tasks. */
async function cleanups(store: Store, daemonId = DAEMON): Promise<[contractId: string, taskIds: string[]][]> {
  const commands = await openCommands(store.db, daemonId, 0);
  return commands.flatMap(({ command }) =>
    command.kind === "CleanupWorktree" ? [[command.contractId, command.taskIds] as [string, string[]]] : [],
  );
}

/** The daemon has done everything that it was told to. */
async function answerAll(store: Store, error: string | null = null): Promise<void> {
  const why = error === null ? null : { code: "git_failed", message: error, hint: "" };
  for (const { id } of await openCommands(store.db, DAEMON, 0)) {
    const done = { type: "commandDone", id, error: why, result: null } as const;
    await store.write((tx) => commandDone(tx, HOLDER, done, silent));
  }
}

async function contractOf(store: Store, { taskId }: TestRun): Promise<string> {
  return (await getTask(store.db, taskId)).contractId;
}

/** The next run of a pending task, on the second daemon. */
async function runOnSecond(store: Store, taskId: string): Promise<TestRun> {
  await connect(store, { id: SECOND, instance: "i2", name: SECOND });
  await store.write((tx) => spawnRun(tx, taskId, SECOND));
  const { runId } = await getTask(store.db, taskId);
  return { taskId, runId: runId ?? "", fence: 1, daemonId: SECOND };
}

onEveryEngine("a contract that is done is cleaned up by the daemon that worked for it", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, finished());
  assert.deepEqual(await cleanups(store), [[await contractOf(store, run), [run.taskId]]]);
});

onEveryEngine("when it is deleted, every daemon that ever had a run of it is told, with its tasks", async (db) => {
  await using store = await db.open();
  const { id } = await newOpened(store);
  const failed = await addWorker(store, id, "failed");
  const elsewhere = await addWorker(store, id, "pending");
  await say(store, await runOnSecond(store, elsewhere), started, finished());
  const never = await addWorker(store, id, "pending");
  await answerAll(store);
  await store.write((tx) => deleteContract(tx, id));
  assert.deepEqual(await cleanups(store), [[id, [failed]]]);
  assert.deepEqual(await cleanups(store, SECOND), [[id, [elsewhere]]]);
  assert.equal((await getTask(store.db, never)).status, "cancelled");
});

onEveryEngine("a supervisor's own daemon is told when the supervisor's run is over", async (database) => {
  await using store = await database.open();
  const supervisor = await newSupervisor(store);
  const { contractId } = supervisor;
  await store.write((tx) => advancePhase(tx, contractId, true));
  const worker = await addWorker(store, contractId, "pending");
  await say(store, await runOnSecond(store, worker), started, finished());
  await store.write((tx) => completeAsSupervisor(tx, contractId));
  assert.deepEqual(await cleanups(store, SECOND), [[contractId, [worker]]]);
  assert.deepEqual(await cleanups(store), []);
  await say(store, supervisor, finished());
  assert.deepEqual(await cleanups(store), [[contractId, [supervisor.taskId]]]);
});

onEveryEngine("a deleted contract is cleaned up when the last of its runs has ended", async (database) => {
  await using store = await database.open();
  const first = await newRun(store);
  const contractId = await contractOf(store, first);
  const second = await nextRun(store, await addWorker(store, contractId, "pending"));
  for (const run of [first, second]) await say(store, run, started);
  for (let times = 0; times < 2; times += 1) await store.write((tx) => deleteContract(tx, contractId));
  await say(store, first, finished({ outcome: "cancelled" }));
  assert.deepEqual(await cleanups(store), []);
  await say(store, second, finished({ outcome: "cancelled" }));
  assert.deepEqual(await cleanups(store), [[contractId, [first.taskId, second.taskId].toSorted()]]);
});

onEveryEngine(
  "what is under way in the contract there comes first: merges, and whatever looks at a checkout",
  async (db) => {
    await using store = await db.open();
    const { id } = await newOpened(store, { completionAction: "merge", baseBranch: "main" });
    const taskId = await addWorker(store, id, "completed");
    await endMerge(store, {});
    await store.write((tx) => completeContract(tx, id));
    await request(store, { kind: "GetDiff", task: taskId });
    const [landing] = await givenOrders(store);
    assert.ok(landing?.order.kind === "MergeBranch");
    await report(store, landing.commandId, { result: mergeResult(landing.order) });
    assert.deepEqual(await cleanups(store), []);
    const { commandId } = await givenOrder(store, "GetDiff");
    await report(store, commandId, { error: { code: "gone", message: "no", hint: "" } });
    assert.deepEqual(await cleanups(store), [[id, [taskId]]]);
  },
);

onEveryEngine("merges that have become pointless keep no daemon waiting", async (db) => {
  await using store = await db.open();
  const { id } = await newOpened(store, { completionAction: "branch" });
  const first = await addWorker(store, id, "completed");
  const second = await addWorker(store, id, "pending");
  await say(store, await runOnSecond(store, second), started, finished());
  await store.write((tx) => deleteContract(tx, id));
  assert.deepEqual([await cleanups(store), await cleanups(store, SECOND)], [[], []]);
  await endMerge(store, {});
  assert.deepEqual([await cleanups(store), await cleanups(store, SECOND)], [[[id, [first]]], [[id, [second]]]]);
});

onEveryEngine("a daemon that is lost is told when it is back; one that was removed is not", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const contractId = await contractOf(store, run);
  const other = await addWorker(store, contractId, "pending");
  await say(store, await runOnSecond(store, other), started, finished({ outcome: "failed" }));
  for (const daemonId of [DAEMON, SECOND]) {
    await store.write((tx) => releaseIdentity(tx, { ...HOLDER, daemonId }));
  }
  await store.write((tx) => removeDaemon(tx, SECOND));
  await store.write((tx) => deleteContract(tx, contractId));
  assert.deepEqual(await cleanups(store), []);
  await store.write((tx) => requeueTask(tx, run.taskId, "It is lost"));
  assert.equal((await getTask(store.db, run.taskId)).status, "cancelled");
  assert.deepEqual(await cleanups(store), [[contractId, [run.taskId]]]);
  assert.deepEqual(await cleanups(store, SECOND), []);
});

onEveryEngine("what a daemon still has of contracts that are over it is told to remove again, once", async (db) => {
  await using store = await db.open();
  const over = await newRun(store);
  await say(store, over, started, finished());
  const goesOn = await newContract(store);
  await connect(store);
  const held = [over.taskId, goesOn.task.id, "01a1fe30-0000-7000-8000-000000000000"];
  const again = () => store.write((tx) => cleanUpAgain(tx, DAEMON, held));
  const expected = [[await contractOf(store, over), [over.taskId]]];
  await again();
  assert.deepEqual(await cleanups(store), expected, "it is told already");
  await answerAll(store, "the disk is broken");
  assert.deepEqual(await cleanups(store), []);
  for (let times = 0; times < 2; times += 1) await again();
  assert.deepEqual(await cleanups(store), expected);
  // One that this server has never given it, either: the database was restored from a backup.
  await store.write((tx) => takeIdentity(tx, { ...INTRODUCTION, id: SECOND }, { linkId: "l2", keyId: "k" }));
  await store.write((tx) => cleanUpAgain(tx, SECOND, held));
  assert.deepEqual(await cleanups(store, SECOND), expected);
});

onEveryEngine("not while a run of the contract is live there, and not for a contract that goes on", async (db) => {
  await using store = await db.open();
  const supervisor = await newSupervisor(store);
  const { contractId } = supervisor;
  await store.write((tx) => advancePhase(tx, contractId, true));
  const worker = await addWorker(store, contractId, "completed");
  const again = () => store.write((tx) => cleanUpAgain(tx, DAEMON, [worker, supervisor.taskId]));
  await again();
  await store.write((tx) => completeAsSupervisor(tx, contractId));
  await again();
  assert.deepEqual(await cleanups(store), []);
  await say(store, supervisor, finished());
  assert.deepEqual(await cleanups(store), [[contractId, [supervisor.taskId, worker].toSorted()]]);
});

const INTRODUCTION = { instance: "i2", name: "other", host: "box", maxTasks: 1, labels: {} };
