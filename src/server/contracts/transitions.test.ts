import assert from "node:assert/strict";
import { MakimaError } from "../../core/errors.ts";
import { CreateContract, CreateTask } from "../../protocol/api.ts";
import type { Contract } from "../../protocol/api.ts";
import { openCommands } from "../commands/commands.ts";
import type { Store, Write } from "../db/store.ts";
import { createTask } from "../tasks/create.ts";
import { pauseTask } from "../tasks/pause.ts";
import { resumeTask } from "../tasks/resume.ts";
import { getTask } from "../tasks/view.ts";
import { contract, finished, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { DAEMON, newRun, nextRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { paused, resumed, taskIn } from "../testing/states.ts";
import { completeContract } from "./completion.ts";
import { getContract } from "./contracts.ts";
import { createContract } from "./create.ts";
import { listContracts } from "./list.ts";
import { deleteContract, pauseContract, resumeContract } from "./transitions.ts";
import { updateContract } from "./update.ts";

const task = CreateTask.parse({ name: "Further", goal: "Go on" });

const COMMANDS = {
  pause: pauseContract,
  resume: resumeContract,
  complete: completeContract,
  delete: deleteContract,
  rename: (tx, id) => updateContract(tx, id, null, { name: "another name" }),
  async add(tx, id) {
    await createTask(tx, id, task);
    return getContract(tx.db, id);
  },
} satisfies Record<string, (tx: Write, id: string) => Promise<Contract>>;

type Name = keyof typeof COMMANDS;
type Outcomes = Record<Name, Contract["status"] | "conflict">;

const TABLE: Readonly<Record<Contract["status"], Outcomes>> = {
  active: {
    pause: "paused",
    resume: "active",
    complete: "completed",
    delete: "deleted",
    rename: "active",
    add: "active",
  },
  paused: {
    pause: "paused",
    resume: "active",
    complete: "completed",
    delete: "deleted",
    rename: "paused",
    add: "paused",
  },
  completed: {
    pause: "conflict",
    resume: "conflict",
    complete: "completed",
    delete: "deleted",
    rename: "completed",
    add: "conflict",
  },
  deleted: {
    pause: "conflict",
    resume: "conflict",
    complete: "conflict",
    delete: "deleted",
    rename: "conflict",
    add: "conflict",
  },
};

onEveryEngine("every command in every state of a contract", async (database) => {
  await using store = await database.open();
  for (const state of Object.keys(TABLE) as Contract["status"][]) {
    for (const name of Object.keys(COMMANDS) as Name[]) {
      const before = await contractIn(store, state);
      assert.equal(before.status, state);
      assert.equal(await outcomeOf(store, before, name), TABLE[state][name], `${name} while ${state}`);
    }
  }
});

/** None of its tasks is live. */
async function contractIn(store: Store, state: Contract["status"]): Promise<Contract> {
  const { contractId } = await getTask(store.db, await taskIn(store, "failed"));
  if (state === "paused") await store.write((tx) => pauseContract(tx, contractId));
  else if (state === "completed") await store.write((tx) => completeContract(tx, contractId));
  else if (state === "deleted") await store.write((tx) => deleteContract(tx, contractId));
  return getContract(store.db, contractId);
}

async function outcomeOf(store: Store, before: Contract, name: Name): Promise<Contract["status"] | "conflict"> {
  try {
    const after = await store.write((tx) => COMMANDS[name](tx, before.id));
    assert.deepEqual(after, await getContract(store.db, before.id));
    if (after.status !== before.status || after.name !== before.name) assert.equal(after.version, before.version + 1);
    else assert.deepEqual(after, before);
    return after.status;
  } catch (error) {
    assert.ok(error instanceof MakimaError && error.code === "conflict");
    assert.deepEqual(await getContract(store.db, before.id), before);
    return "conflict";
  }
}

async function kinds(store: Store): Promise<string[]> {
  const commands = await openCommands(store.db, DAEMON, 0);
  return commands.map(({ command }) => command.kind).filter((kind) => kind !== "SpawnTask");
}

/** A contract with three tasks: each on the daemon, the first two running. */
async function threeRuns(store: Store): Promise<{ contractId: string; runs: [TestRun, TestRun, TestRun] }> {
  const first = await newRun(store);
  const { contractId } = await getTask(store.db, first.taskId);
  const [second, third] = [await addRun(store, contractId), await addRun(store, contractId)];
  for (const run of [first, second]) await say(store, run, started);
  return { contractId, runs: [first, second, third] };
}

async function addRun(store: Store, contractId: string): Promise<TestRun> {
  const { id } = await store.write((tx) => createTask(tx, contractId, task));
  return nextRun(store, id);
}

onEveryEngine("a contract's resumption resumes what its pause has paused, and nothing else", async (database) => {
  await using store = await database.open();
  const { contractId, runs } = await threeRuns(store);
  const [own, byContract, starting] = runs;
  await store.write((tx) => pauseTask(tx, own.taskId));
  for (let times = 0; times < 2; times += 1) await store.write((tx) => pauseContract(tx, contractId));
  // Also to the one that is about to start: it would go on by itself otherwise.
  assert.deepEqual(await kinds(store), ["PauseTask", "PauseTask", "PauseTask"]);
  await say(store, starting, started);
  for (const run of runs) await say(store, run, paused);
  const reasons = [own, byContract].map(async ({ taskId }) => (await getTask(store.db, taskId)).reason);
  assert.deepEqual(await Promise.all(reasons), [null, "Its contract is paused"]);
  await assert.rejects(
    store.write((tx) => resumeTask(tx, byContract.taskId, {})),
    { code: "conflict", hint: /contract/ },
  );

  for (let times = 0; times < 2; times += 1) await store.write((tx) => resumeContract(tx, contractId));
  const told = (await openCommands(store.db, DAEMON, 0)).flatMap(({ command }) =>
    command.kind === "ResumeTask" ? [command.runId] : [],
  );
  assert.deepEqual(told, [byContract.runId, starting.runId]);
  await say(store, byContract, resumed);
  const states = runs.map(async ({ taskId }) => (await getTask(store.db, taskId)).status);
  assert.deepEqual(await Promise.all(states), ["paused", "running", "paused"]);
});

onEveryEngine("a paused contract whose last task was completed meanwhile is done when it is resumed", async (db) => {
  await using store = await db.open();
  const run = await newRun(store);
  const { contractId } = await getTask(store.db, run.taskId);
  await store.write((tx) => pauseContract(tx, contractId));
  await say(store, run, started, finished());
  assert.equal((await getContract(store.db, contractId)).status, "paused");
  assert.equal((await store.write((tx) => resumeContract(tx, contractId))).status, "completed");
});

onEveryEngine("a contract with live tasks is not completed by a person", async (database) => {
  await using store = await database.open();
  const { contractId, runs } = await threeRuns(store);
  const complete = () => store.write((tx) => completeContract(tx, contractId));
  await assert.rejects(complete, { code: "conflict", message: /^3 .*are live/ });
  for (const run of runs) await say(store, run, started, finished({ outcome: "failed" }));
  assert.equal((await complete()).status, "completed");
});

onEveryEngine("a deleted contract stops its tasks, is gone from the list, and can still be looked at", async (db) => {
  await using store = await db.open();
  const { contractId, runs } = await threeRuns(store);
  const pending = await store.write((tx) => createTask(tx, contractId, task));
  for (let times = 0; times < 2; times += 1) await store.write((tx) => deleteContract(tx, contractId));
  assert.deepEqual(await kinds(store), ["InterruptTask", "InterruptTask", "InterruptTask"]);
  assert.equal((await getTask(store.db, pending.id)).status, "cancelled");
  for (const run of runs) await say(store, run, started, finished({ outcome: "cancelled" }));
  assert.equal((await getContract(store.db, contractId)).status, "deleted");
  assert.deepEqual((await listContracts(store.db, null, { limit: 10 })).items, []);
});

onEveryEngine("a contract is renamed by whoever has seen its present version", async (database) => {
  await using store = await database.open();
  const created = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  const rename = (seen: number | null) =>
    store.write((tx) => updateContract(tx, created.contract.id, seen, { name: "Better" }));
  const renamed = await rename(created.contract.version);
  assert.deepEqual([renamed.name, renamed.version], ["Better", created.contract.version + 1]);
  const hint = new RegExp(`version ${renamed.version}`);
  await assert.rejects(rename(created.contract.version), { code: "version_conflict", message: hint });
});
