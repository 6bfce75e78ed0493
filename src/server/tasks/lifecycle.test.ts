import assert from "node:assert/strict";
import { CreateContract } from "../../protocol/api.ts";
import { authenticate } from "../auth/keys.ts";
import { readChanges } from "../changes/changes.ts";
import { finishCommand, openCommands } from "../commands/commands.ts";
import { createContract } from "../contracts/create.ts";
import type { Store } from "../db/store.ts";
import { contract, finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { DAEMON, newRun, nextRun, say } from "../testing/run.ts";
import { resumeTask } from "./resume.ts";
import { stopAllTasks, stopTask } from "./stop.ts";
import { getTask } from "./view.ts";

onEveryEngine("a pending task is cancelled at once, a live one by a single command to its daemon", async (database) => {
  await using store = await database.open();
  const { task } = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  const stopped = await store.write((tx) => stopTask(tx, task.id, "enough"));
  assert.deepEqual([stopped.status, stopped.reason], ["cancelled", "enough"]);
  await assert.rejects(
    store.write((tx) => stopTask(tx, task.id, "enough")),
    { code: "conflict" },
  );

  const run = await newRun(store);
  await store.write((tx) => stopTask(tx, run.taskId, "enough"));
  await store.write((tx) => stopAllTasks(tx, "again"));
  assert.deepEqual(
    (await open(store)).map(({ kind }) => kind),
    ["SpawnTask", "InterruptTask"],
  );
  assert.equal((await getTask(store.db, run.taskId)).status, "starting");
});

onEveryEngine("a resumed task goes on with session, breaker and cost of the last run that began", async (database) => {
  await using store = await database.open();
  const first = await newRun(store);
  await say(store, first, started, iterationStarted(1), verdict(1, { sessionId: "s1", breaker: { open: true } }));
  await say(store, first, finished({ outcome: "failed" }));
  await assert.rejects(nextRun(store, first.taskId), { code: "conflict" });

  await store.write((tx) => resumeTask(tx, first.taskId, { maxIterations: 77 }));
  const second = await nextRun(store, first.taskId);
  assert.equal(second.fence, first.fence + 1);
  const spawn = (await open(store)).at(-1);
  assert.ok(spawn?.kind === "SpawnTask");
  assert.deepEqual(spawn.spec.limits, { ...contract.settings.limits, maxIterations: 77 });
  const resume = { runId: first.runId, sessionId: "s1", breaker: { open: true }, costUsd: 0.5 };
  assert.deepEqual(spawn.spec.resume, resume);

  // The second run ends before its first verdict: the third still knows where to go on.
  await say(store, second, started, finished({ outcome: "cancelled" }));
  await store.write((tx) => resumeTask(tx, first.taskId, {}));
  await nextRun(store, first.taskId);
  const third = (await open(store)).at(-1);
  assert.ok(third?.kind === "SpawnTask");
  assert.deepEqual(third.spec.resume, { ...resume, runId: second.runId });
});

onEveryEngine("a completed task is not resumed", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, finished());
  await assert.rejects(
    store.write((tx) => resumeTask(tx, run.taskId, {})),
    { code: "conflict" },
  );
});

onEveryEngine(
  "the key of a task lives as long as its run, and its plain text no longer than the command",
  async (database) => {
    await using store = await database.open();
    const run = await newRun(store);
    const [command] = await openCommands(store.db, DAEMON, 0);
    assert.ok(command?.command.kind === "SpawnTask");
    const { taskToken, contractId } = command.command.spec;
    const principal = await authenticate(store, taskToken);
    assert.ok(principal?.kind === "task" && principal.contractId === contractId);
    await store.write((tx) => finishCommand(tx, DAEMON, command.id, null));
    const rows = await store.db.selectFrom("commands").select("payload").execute();
    assert.deepEqual(
      rows.map(({ payload }) => payload),
      [null],
    );
    await say(store, run, started, finished());
    assert.equal(await authenticate(store, taskToken), null);
  },
);

onEveryEngine("a task can have one live run, even for a program that forgets to ask", async (database) => {
  await using store = await database.open();
  const { runId } = await newRun(store);
  const run = await store.db.selectFrom("runs").selectAll().where("id", "=", runId).executeTakeFirstOrThrow();
  const second = { ...run, id: "another", fence: 2 };
  await assert.rejects(store.db.insertInto("runs").values(second).execute(), /unique/i);
});

onEveryEngine("every transition is in the change feed, in order and without gaps", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, iterationStarted(1), verdict(1), finished());
  const changes = await readChanges(store.db, 0, 1000);
  assert.deepEqual(
    changes.map(({ seq }) => seq),
    changes.map((_, index) => index + 1),
  );
  const statuses = changes.filter(({ kind }) => kind === "task").map(({ data }) => String(data["status"]));
  const distinct = statuses.filter((status, index) => status !== statuses[index - 1]);
  assert.deepEqual(distinct, ["pending", "starting", "running", "completed"]);
  const runs = changes.filter(({ kind }) => kind === "run").map(({ data }) => data["status"]);
  assert.deepEqual(runs, ["assigned", "running", "completed"]);
  assert.equal(changes.findLast(({ kind }) => kind === "contract")?.data["status"], "completed");
});

async function open(store: Store) {
  return (await openCommands(store.db, DAEMON, 0)).map(({ command }) => command);
}
