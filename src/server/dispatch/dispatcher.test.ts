import { sql } from "kysely";
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { CreateContract } from "../../protocol/api.ts";
import type { Task } from "../../protocol/api.ts";
import { openCommands } from "../commands/commands.ts";
import { createContract } from "../contracts/create.ts";
import { pauseContract, resumeContract } from "../contracts/transitions.ts";
import { listDaemons } from "../daemons/daemons.ts";
import type { Introduction } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { listRuns } from "../runs/runs.ts";
import { resumeTask } from "../tasks/resume.ts";
import { updateTask } from "../tasks/update.ts";
import { getTask } from "../tasks/view.ts";
import { openStore, silent, temporaryHome, until } from "../testing/basics.ts";
import { contract, finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { addTask, connect, say } from "../testing/run.ts";
import { Dispatcher } from "./dispatcher.ts";
import { HEADS, readHeads } from "./heads.ts";

function dispatcher(store: Store, lostAfterMs = 60_000): Dispatcher {
  return new Dispatcher(store, { lostAfterMs, clock: systemClock, log: silent });
}

async function newTask(
  store: Store,
  labels: Record<string, string> = {},
  terms: Partial<CreateContract> = {},
): Promise<Task> {
  return (await store.write((tx) => createContract(tx, CreateContract.parse({ ...contract, labels, ...terms })))).task;
}

/** Resolves when the task is with the daemon. */
async function given(store: Store, { id }: Pick<Task, "id">, daemonId: string): Promise<void> {
  await until(async () => {
    const task = await getTask(store.db, id);
    return task.status === "starting" && task.daemonId === daemonId;
  });
}

async function statuses(store: Store, tasks: readonly Task[]): Promise<string[]> {
  return Promise.all(tasks.map(async ({ id }) => (await getTask(store.db, id)).status));
}

async function finish(store: Store, { id }: Task, outcome: "completed" | "failed"): Promise<void> {
  const [run] = await listRuns(store.db, id);
  assert.ok(run !== undefined);
  const { id: runId, taskId, fence, daemonId } = run;
  await say(store, { runId, taskId, fence, daemonId }, started, iterationStarted(1), finished({ outcome }));
}

async function setOnline(store: Store, id: string, online: 0 | 1): Promise<void> {
  await store.db.updateTable("daemons").set({ online, last_seen_at: Date.now() }).where("id", "=", id).execute();
}

const D1: Partial<Introduction> = { id: "d1", name: "one", maxTasks: 2 };
const D2: Partial<Introduction> = { id: "d2", name: "two", maxTasks: 1, labels: { gpu: "yes" } };

onEveryEngine(
  "each task goes where its labels are offered, and one that fits nowhere is in nobody's way",
  async (db) => {
    await using store = await db.open();
    const nowhere = await newTask(store, { gpu: "no" });
    const gpu = await addTask(store, nowhere.contractId, { labels: { gpu: "yes" } });
    const byName = await newTask(store, { name: "one", host: "box" });
    const any = await newTask(store);
    await using _ = dispatcher(store);
    await connect(store, D2);
    await given(store, gpu, "d2");
    await connect(store, D1);
    await given(store, byName, "d1");
    await given(store, any, "d1");
    assert.deepEqual(await statuses(store, [nowhere]), ["pending"]);
    await store.write((tx) => updateTask(tx, nowhere.id, null, { labels: {} }));
    await finish(store, any, "completed");
    await given(store, nowhere, "d1");
  },
);

onEveryEngine("contracts share the places, whoever was first and however much it brought", async (database) => {
  await using store = await database.open();
  const first = await newTask(store);
  const crowd = [first];
  for (let count = 0; count < 20; count += 1) crowd.push(await addTask(store, first.contractId));
  const single = await newTask(store);
  await using _ = dispatcher(store);
  await connect(store, { ...D1, maxTasks: 2 });
  await given(store, first, "d1");
  await given(store, single, "d1");
  await finish(store, first, "completed");
  await until(async () => (await statuses(store, crowd)).includes("starting"));
  const another = await newTask(store);
  await finish(store, single, "failed");
  await given(store, another, "d1");
  assert.equal((await statuses(store, crowd)).filter((status) => status === "starting").length, 1);
});

onEveryEngine(
  "a completed task makes room for those that wait for it; a paused contract's stay where they are",
  async (db) => {
    await using store = await db.open();
    const first = await newTask(store);
    const second = await addTask(store, first.contractId, { after: [first.id] });
    const held = await newTask(store);
    await store.write((tx) => pauseContract(tx, held.contractId));
    await using _ = dispatcher(store);
    await connect(store, D1);
    await given(store, first, "d1");
    assert.deepEqual(await statuses(store, [second, held]), ["pending", "pending"]);
    await finish(store, first, "completed");
    await given(store, second, "d1");
    assert.deepEqual(await statuses(store, [held]), ["pending"]);
    await store.write((tx) => resumeContract(tx, held.contractId));
    await given(store, held, "d1");
  },
);

onEveryEngine("a resumed task waits for the daemon that has its session, until that is lost", async (database) => {
  await using store = await database.open();
  const task = await newTask(store);
  await using patient = dispatcher(store);
  await connect(store, D1);
  await given(store, task, "d1");
  await finish(store, task, "failed");
  await setOnline(store, "d1", 0);
  await connect(store, D2);
  const resumed = await store.write((tx) => resumeTask(tx, task.id, {}));
  assert.match(resumed.reason ?? "", /Waits for daemon one,/);
  const other = await newTask(store);
  await given(store, other, "d2");
  await finish(store, other, "completed");
  assert.deepEqual(await statuses(store, [task]), ["pending"]);
  await patient[Symbol.asyncDispose]();

  // Nothing else happens: it has to wake up by itself when the time is over.
  await using _ = dispatcher(store, 300);
  await given(store, task, "d2");
  const specs = (await spawns(store, "d2")).filter(({ taskId }) => taskId === task.id);
  assert.equal(specs.length, 1);
  assert.equal(specs[0]?.resume?.sessionId, null);
});

onEveryEngine("a resumed task goes back to its daemon, whichever has more room", async (database) => {
  await using store = await database.open();
  const task = await newTask(store);
  await using _ = dispatcher(store);
  await connect(store, { ...D2, labels: {} });
  await given(store, task, "d2");
  await connect(store, { ...D1, maxTasks: 10 });
  await finish(store, task, "failed");
  await store.write((tx) => resumeTask(tx, task.id, {}));
  await given(store, task, "d2");
  const spawn = (await openCommands(store.db, "d2", 0)).at(-1)?.command;
  assert.ok(spawn?.kind === "SpawnTask");
  assert.equal(spawn.spec.resume?.sessionId, "session");
});

onEveryEngine(
  "supervisors find a place on a full daemon, and leave it to the tasks that they spawn",
  async (database) => {
    await using store = await database.open();
    const full = await newTask(store);
    await connect(store, { ...D1, maxTasks: 1 });
    await using _ = dispatcher(store);
    await given(store, full, "d1");
    const supervisor = await newTask(store, {}, { supervisor: true });
    const worker = await addTask(store, supervisor.contractId);
    await given(store, supervisor, "d1");
    assert.deepEqual(await statuses(store, [worker]), ["pending"]);
    assert.equal((await listDaemons(store.db))[0]?.running, 1);
    await finish(store, full, "completed");
    await given(store, worker, "d1");
  },
);

onEveryEngine(
  "a contract never has more tasks at work than it may; its supervisor is none of them",
  async (database) => {
    await using store = await database.open();
    const supervisor = await newTask(store, {}, { supervisor: true, maxParallel: 2 });
    const tasks = await Promise.all(Array.from({ length: 4 }, () => addTask(store, supervisor.contractId)));
    const starting = async () => (await statuses(store, tasks)).filter((status) => status === "starting").length;
    await using _ = dispatcher(store);
    await connect(store, { ...D1, maxTasks: 10 });
    await given(store, supervisor, "d1");
    await until(async () => (await starting()) === 2);
    const another = await newTask(store);
    await given(store, another, "d1");
    assert.equal(await starting(), 2);
    const first = (await Promise.all(tasks.map(({ id }) => getTask(store.db, id)))).find(isStarting);
    assert.ok(first !== undefined);
    await finish(store, first, "completed");
    await until(async () => (await starting()) === 2);
  },
);

onEveryEngine(
  "what a contract may still spend bounds its runs; with nothing left none is started",
  async (database) => {
    await using store = await database.open();
    const first = await newTask(store, {}, { budgetUsd: 3 });
    const second = await addTask(store, first.contractId, { limits: { budgetUsd: 1 } });
    await using _ = dispatcher(store);
    await connect(store, { ...D1, maxTasks: 1 });
    const budget = async ({ id }: Task) => {
      await given(store, { id }, "d1");
      return (await spawns(store, "d1")).findLast(({ taskId }) => taskId === id)?.limits.budgetUsd;
    };
    assert.equal(await budget(first), 3);
    const [run] = await listRuns(store.db, first.id);
    assert.ok(run !== undefined);
    const breaker = { state: "closed", spentUsd: 0.5 };
    await say(store, { ...run, runId: run.id }, started, iterationStarted(1), verdict(1, { costUsd: 0.5, breaker }));
    await say(store, { ...run, runId: run.id }, finished({ outcome: "cancelled" }));
    assert.equal(await budget(second), 1);
    await store.write((tx) => resumeTask(tx, first.id, {}));
    await finish(store, second, "completed");
    // The breaker goes on counting from what the task has spent before.
    assert.equal(await budget(first), 3);

    await store.db.updateTable("contracts").set({ cost_usd: 3 }).where("id", "=", first.contractId).execute();
    await finish(store, first, "failed");
    const last = await store.write((tx) => resumeTask(tx, first.id, {}));
    assert.equal(last.reason, "The budget of its contract is spent");
    const another = await newTask(store);
    await given(store, another, "d1");
    assert.deepEqual(await statuses(store, [first]), ["pending"]);
  },
);

function isStarting({ status }: Task): boolean {
  return status === "starting";
}

async function spawns(store: Store, daemonId: string) {
  const commands = await openCommands(store.db, daemonId, 0);
  return commands.flatMap(({ command }) => (command.kind === "SpawnTask" ? [command.spec] : []));
}

test("reading the queues looks at the first task of each, and at none of the others", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const first = await newTask(store);
  const rest = Array.from({ length: 50 }, () => addTask(store, first.contractId));
  await Promise.all([...rest, addTask(store, first.contractId, { labels: { gpu: "yes" } })]);
  assert.equal((await readHeads(store.db)).length, 2);
  const plan = await sql<{ detail: string }>`explain query plan ${HEADS}`.execute(store.db);
  const tasks = plan.rows.flatMap(({ detail }) => (/\btasks\b/.test(detail) ? [detail] : []));
  assert.ok(tasks.length >= 4);
  for (const line of tasks) assert.match(line, /^SEARCH tasks USING (COVERING )?INDEX (tasks_ready|sqlite_autoindex)/);
});
