import { sql } from "kysely";
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { CreateContract, CreateTask } from "../../protocol/api.ts";
import type { Task } from "../../protocol/api.ts";
import { openCommands } from "../commands/commands.ts";
import { createContract } from "../contracts/create.ts";
import { pauseContract, resumeContract } from "../contracts/transitions.ts";
import type { Introduction } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { listRuns } from "../runs/runs.ts";
import { createTask } from "../tasks/create.ts";
import { resumeTask } from "../tasks/resume.ts";
import { updateTask } from "../tasks/update.ts";
import { getTask } from "../tasks/view.ts";
import { openStore, silent, temporaryHome, until } from "../testing/basics.ts";
import { contract, finished, iterationStarted, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { connect, say } from "../testing/run.ts";
import { Dispatcher } from "./dispatcher.ts";
import { HEADS, readHeads } from "./heads.ts";

function dispatcher(store: Store, lostAfterMs = 60_000): Dispatcher {
  return new Dispatcher(store, { apiUrl: "http://127.0.0.1:1", lostAfterMs, clock: systemClock, log: silent });
}

async function newTask(store: Store, labels: Record<string, string> = {}): Promise<Task> {
  return (await store.write((tx) => createContract(tx, CreateContract.parse({ ...contract, labels })))).task;
}

async function add(store: Store, { contractId }: Task, input: Partial<CreateTask> = {}): Promise<Task> {
  const whole = CreateTask.parse({ name: "Next", goal: "Go on", ...input });
  return store.write((tx) => createTask(tx, contractId, whole));
}

/** Resolves when the task is with the daemon. */
async function given(store: Store, { id }: Task, daemonId: string): Promise<void> {
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
    const gpu = await add(store, nowhere, { labels: { gpu: "yes" } });
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
  for (let count = 0; count < 20; count += 1) crowd.push(await add(store, first));
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
    const second = await add(store, first, { after: [first.id] });
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
  const spawns = (await openCommands(store.db, "d2", 0)).flatMap(({ command }) =>
    command.kind === "SpawnTask" && command.spec.taskId === task.id ? [command.spec] : [],
  );
  assert.equal(spawns.length, 1);
  assert.equal(spawns[0]?.resume?.sessionId, null);
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

test("reading the queues looks at the first task of each, and at none of the others", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const first = await newTask(store);
  const rest = Array.from({ length: 50 }, () => add(store, first));
  await Promise.all([...rest, add(store, first, { labels: { gpu: "yes" } })]);
  assert.equal((await readHeads(store.db)).length, 2);
  const plan = await sql<{ detail: string }>`explain query plan ${HEADS}`.execute(store.db);
  const tasks = plan.rows.flatMap(({ detail }) => (/\btasks\b/.test(detail) ? [detail] : []));
  assert.ok(tasks.length >= 4);
  for (const line of tasks) assert.match(line, /^SEARCH tasks USING (COVERING )?INDEX (tasks_ready|sqlite_autoindex)/);
});
