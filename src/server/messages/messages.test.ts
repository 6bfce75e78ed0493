import assert from "node:assert/strict";
import { CreateContract } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { openCommands } from "../commands/commands.ts";
import { completeContract } from "../contracts/completion.ts";
import { createContract } from "../contracts/create.ts";
import { pauseContract } from "../contracts/transitions.ts";
import type { Store } from "../db/store.ts";
import { messageTask } from "../tasks/message.ts";
import { requeueTask } from "../tasks/requeue.ts";
import { resumeTask } from "../tasks/resume.ts";
import { stopTask } from "../tasks/stop.ts";
import { contract, finished, heard, iterationStarted, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { addTask, connect, DAEMON, newRun, newSupervisor, nextRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { MOST_UNHEARD, sendMessage, tellSupervisors } from "./messages.ts";

async function person(store: Store, taskId: string, text: string) {
  return store.write((tx) => messageTask(tx, taskId, text));
}

/** What the daemon was told to tell the run: with its start, and since. */
async function told(store: Store, { runId }: TestRun): Promise<string[]> {
  const commands = await openCommands(store.db, DAEMON, 0);
  return commands.flatMap(({ command }) => {
    if (command.kind === "SpawnTask" && command.spec.runId === runId) return command.messages.map(({ text }) => text);
    return command.kind === "MessageTask" && command.runId === runId ? [command.message.text] : [];
  });
}

/** The run's next prompt holds a message. */
async function hear(store: Store, run: TestRun, text: string): Promise<void> {
  const message = await store.db
    .selectFrom("messages")
    .select(["id", "kind", "text"])
    .where("task_id", "=", run.taskId)
    .where("text", "=", text)
    .executeTakeFirstOrThrow();
  await say(store, run, heard(1, message), iterationStarted(1));
}

onEveryEngine("a message is for the live run, else for the next one, until one has heard it", async (database) => {
  await using store = await database.open();
  const { task } = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  await connect(store);
  await person(store, task.id, "while pending");
  const first = await nextRun(store, task.id);
  await person(store, task.id, "while starting");
  await say(store, first, started);
  await person(store, task.id, "while running");
  assert.deepEqual(await told(store, first), ["while pending", "while starting", "while running"]);
  await hear(store, first, "while pending");

  await say(store, first, finished({ outcome: "failed" }));
  await store.write((tx) => resumeTask(tx, task.id, {}, "with a new run"));
  const second = await nextRun(store, task.id);
  assert.deepEqual((await told(store, second)).toSorted(), ["while running", "while starting", "with a new run"]);
  for (const text of await told(store, second)) await hear(store, second, text);
  await store.write((tx) => requeueTask(tx, task.id, "its daemon is lost"));
  assert.deepEqual(await told(store, await nextRun(store, task.id)), []);
});

onEveryEngine("what a lost run has not heard is told to the one after it", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await person(store, run.taskId, "heard");
  await person(store, run.taskId, "unheard");
  await say(store, run, started);
  await hear(store, run, "heard");
  await store.write((tx) => requeueTask(tx, run.taskId, "its daemon is lost"));
  const next = await nextRun(store, run.taskId);
  assert.deepEqual(await told(store, next), ["unheard"]);
  // The lost daemon comes back: what it says is not believed.
  await hear(store, run, "unheard");
  await store.write((tx) => requeueTask(tx, run.taskId, "its daemon is lost, too"));
  assert.deepEqual(await told(store, await nextRun(store, run.taskId)), ["unheard"]);
});

onEveryEngine("a nudge is for the run that sleeps, and not for the one that begins after it", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await store.write((tx) => sendMessage(tx, run.taskId, "nudge", "nothing is left"));
  await store.write((tx) => sendMessage(tx, run.taskId, "event", "something happened"));
  assert.deepEqual(await told(store, run), ["nothing is left", "something happened"]);
  await say(store, run, started, finished({ outcome: "failed" }));
  await store.write((tx) => resumeTask(tx, run.taskId, {}));
  assert.deepEqual(await told(store, await nextRun(store, run.taskId)), ["something happened"]);
});

onEveryEngine("an agent that hears nothing is told no end of things", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await store.write(async (tx) => {
    for (let count = 0; count <= MOST_UNHEARD; count += 1) await sendMessage(tx, run.taskId, "event", `event ${count}`);
  });
  assert.equal((await told(store, run)).length, MOST_UNHEARD);
  await assert.rejects(person(store, run.taskId, "hello"), { code: "conflict", message: /200 messages/ });
  await hear(store, run, "event 7");
  await person(store, run.taskId, "hello");
});

onEveryEngine("an ended task is told nothing, and how to be told after all", async (database) => {
  await using store = await database.open();
  for (const outcome of ["completed", "failed", "cancelled"] as const) {
    const run = await newRun(store);
    await say(store, run, started, finished({ outcome }));
    await assert.rejects(person(store, run.taskId, "hello"), { code: "conflict", hint: /resume --message/ });
  }
});

onEveryEngine(
  "events go to the supervisors of a contract that is not over, also when they fail and are resumed",
  async (database) => {
    await using store = await database.open();
    const [here, there] = [await newSupervisor(store), await newSupervisor(store)];
    const tell = (text: string) => store.write((tx) => tellSupervisors(tx, here.contractId, text));
    await tell("one");
    await store.write((tx) => pauseContract(tx, here.contractId));
    await tell("two");
    assert.deepEqual(await told(store, here), ["one", "two"]);
    const end: RunEvent = finished({ outcome: "failed" });
    await say(store, here, end);
    await tell("while it has failed");
    await store.write((tx) => resumeTask(tx, here.taskId, {}));
    await tell("three");
    const next = await nextRun(store, here.taskId);
    assert.deepEqual((await told(store, next)).toSorted(), ["one", "three", "two", "while it has failed"]);
    await say(store, next, started, end);
    await store.write((tx) => completeContract(tx, here.contractId));
    await tell("it is over");
    assert.deepEqual(await told(store, there), []);
    assert.equal((await told(store, next)).length, 4);
  },
);

onEveryEngine("a supervisor is told how each worker has ended, whoever ended it", async (database) => {
  await using store = await database.open();
  const supervisor = await newSupervisor(store);
  const worker = async (name: string) => (await addTask(store, supervisor.contractId, { name })).id;
  for (const outcome of ["completed", "failed", "cancelled"] as const) {
    await say(store, await nextRun(store, await worker(outcome)), started, finished({ outcome, reason: "so it is" }));
  }
  const pending = await worker("not begun");
  await store.write((tx) => stopTask(tx, pending, "not needed"));
  const texts = await told(store, supervisor);
  assert.equal(texts.length, 4);
  assert.match(texts[0] ?? "", /^Task "completed" \(.{8}\) is completed\. Its branch is makima\//);
  assert.match(texts[1] ?? "", /^Task "failed" \(.{8}\) has failed\. Reason: "so it is"/);
  assert.match(texts[2] ?? "", /^Task "cancelled" \(.{8}\) was cancelled\./);
  assert.match(texts[3] ?? "", /^Task "not begun" \(.{8}\) was cancelled\. Reason: "not needed"/);
});
