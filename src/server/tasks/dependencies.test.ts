import assert from "node:assert/strict";
import { CreateContract } from "../../protocol/api.ts";
import type { Task } from "../../protocol/api.ts";
import { readChanges } from "../changes/changes.ts";
import { openCommands } from "../commands/commands.ts";
import { createContract } from "../contracts/create.ts";
import { pauseContract } from "../contracts/transitions.ts";
import type { Store } from "../db/store.ts";
import { readHeads } from "../dispatch/heads.ts";
import { contract } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { addTask, connect, DAEMON, newSupervisor, nextRun, work } from "../testing/run.ts";
import { changeTask } from "./change.ts";
import { tellDependants } from "./dependencies.ts";
import { resumeTask } from "./resume.ts";
import { updateTask } from "./update.ts";
import { getTask } from "./view.ts";

/** The first task of a contract. */
async function newContract(store: Store): Promise<Task> {
  return (await store.write((tx) => createContract(tx, CreateContract.parse(contract)))).task;
}

async function ready(store: Store): Promise<string[]> {
  return (await readHeads(store.db)).map(({ taskId }) => taskId);
}

onEveryEngine("a further task is as the contract has it, with a goal and a branch of its own", async (database) => {
  await using store = await database.open();
  const first = await newContract(store);
  const second = await addTask(store, first.contractId, { labels: { gpu: "yes" } });
  assert.deepEqual([second.repository, second.base, second.agent], [first.repository, first.base, first.agent]);
  assert.match(second.branch, /^makima\/mend-the-parser\/next-[0-9a-f]{8}$/);
  assert.deepEqual(second.labels, { gpu: "yes" });
  await connect(store);
  for (const { id } of [first, second]) await nextRun(store, id);
  const specs = (await openCommands(store.db, DAEMON, 0)).flatMap(({ command }) =>
    command.kind === "SpawnTask" ? [command.spec] : [],
  );
  assert.deepEqual(
    specs.map(({ goal }) => goal),
    [contract.goal, "Do the next thing"],
  );
  assert.deepEqual(specs[1]?.checks, contract.checks);
});

onEveryEngine("a task can be started when all that it waits for is completed, and says so until then", async (db) => {
  await using store = await db.open();
  const first = await newContract(store);
  const second = await addTask(store, first.contractId, { name: "Second" });
  const last = await addTask(store, first.contractId, {
    name: "Last",
    after: [first.id.slice(-12), second.id, first.id],
  });
  const reason = async () => (await getTask(store.db, last.id)).reason;
  assert.deepEqual(last.after, [first.id, second.id]);
  assert.deepEqual([last.reason, await reason()], Array(2).fill(`Waits for ${first.name}, Second`));
  await connect(store);

  await work(store, first.id, "completed");
  assert.equal(await reason(), "Waits for Second");
  await work(store, second.id, "failed");
  assert.equal(await reason(), "Second did not work out: resume that, or wait for it no more");
  const told = (await readChanges(store.db, 0, 1000)).findLast(({ id }) => id === last.id);
  assert.equal(told?.data["reason"], await reason(), "the feed tells of a new reason");
  assert.deepEqual(await ready(store), []);

  await store.write((tx) => resumeTask(tx, second.id, {}));
  await work(store, second.id, "completed");
  assert.deepEqual(await ready(store), [last.id]);
  assert.equal(await reason(), null);
});

onEveryEngine(
  "what a pending task waits for can be changed, but never so that tasks wait for each other",
  async (db) => {
    await using store = await db.open();
    const [a, b] = [await newContract(store), await newContract(store)];
    const c = await addTask(store, a.contractId, { name: "C", after: [a.id] });
    const d = await addTask(store, a.contractId, { name: "D", after: [c.id] });
    const update = (task: Task, after: string[]) => store.write((tx) => updateTask(tx, task.id, null, { after }));
    const cycle = new RegExp(`: (C -> ${a.name} -> D -> C|D -> C -> ${a.name} -> D|${a.name} -> D -> C -> ${a.name})$`);
    await assert.rejects(update(a, [d.id]), { code: "invalid_request", message: cycle });
    await assert.rejects(update(a, [a.id]), {
      code: "invalid_request",
      message: new RegExp(`${a.name} -> ${a.name}$`),
    });
    await assert.rejects(update(a, [b.id]), { code: "invalid_request", message: /another contract/ });
    await assert.rejects(update(a, ["0".repeat(12)]), { code: "not_found" });
    assert.deepEqual((await getTask(store.db, a.id)).after, []);

    assert.deepEqual((await update(d, [a.id])).after, [a.id]);
    assert.equal((await update(c, [])).reason, "No daemon is connected");
    assert.deepEqual((await ready(store)).toSorted(), [a.id, b.id].toSorted());
    const stale = store.write((tx) => updateTask(tx, d.id, d.version, { name: "Old" }));
    await assert.rejects(stale, { code: "version_conflict" });
    await connect(store);
    await work(store, a.id, "completed");
    await assert.rejects(update(a, []), { code: "conflict" });
  },
);

onEveryEngine("a pending task says what it waits for", async (database) => {
  await using store = await database.open();
  const first = await newContract(store);
  const reasonOf = async ({ id }: Task) => (await getTask(store.db, id)).reason;
  const picky = await addTask(store, first.contractId, { labels: { gpu: "yes", os: "linux" } });
  assert.equal(await reasonOf(first), "No daemon is connected");
  await connect(store);
  assert.equal(await reasonOf(first), null);
  assert.equal(await reasonOf(picky), "No daemon that is connected offers gpu=yes, os=linux");
  await store.write((tx) => updateTask(tx, picky.id, null, { labels: { name: DAEMON } }));
  assert.equal(await reasonOf(picky), null);
  await store.write((tx) => pauseContract(tx, first.contractId));
  assert.equal(await reasonOf(first), "Its contract is paused");
  assert.deepEqual(
    (await readHeads(store.db)).filter(({ contractId }) => contractId === first.contractId),
    [],
  );
});

onEveryEngine("what is to be merged holds up those after it until it is, and again when it is reopened", async (db) => {
  await using store = await db.open();
  const { contractId } = await newSupervisor(store);
  const first = await addTask(store, contractId, { name: "First" });
  const second = await addTask(store, contractId, { after: [first.id] });
  const merge = (state: Task["merge"]) =>
    store.write(async (tx) => {
      await changeTask(tx, first.id, { merge: state });
      await tellDependants(tx, first.id);
    });
  const state = async () => [(await ready(store)).includes(second.id), (await getTask(store.db, second.id)).reason];
  await work(store, first.id, "completed");
  for (const held of ["queued", "conflict", "failed"] as const) {
    await merge(held);
    assert.deepEqual(await state(), [false, "Waits for First to be merged"]);
  }
  await merge("merged");
  assert.deepEqual(await state(), [true, null]);
  await store.write((tx) => resumeTask(tx, first.id, {}, "Mind the tests"));
  assert.deepEqual(await state(), [false, "Waits for First"]);
});
