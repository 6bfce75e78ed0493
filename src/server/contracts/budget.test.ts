import assert from "node:assert/strict";
import type { Store } from "../db/store.ts";
import { listNotifications } from "../notifications/list.ts";
import { getTask } from "../tasks/view.ts";
import { addWorker, newContract, newOpened } from "../testing/contracts.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { connect, nextRun, say } from "../testing/run.ts";
import { addCost } from "./budget.ts";
import { completeContract } from "./completion.ts";
import { getContract } from "./contracts.ts";
import { resumeContract } from "./transitions.ts";
import { updateContract } from "./update.ts";

async function spend(store: Store, id: string, usd: number) {
  await store.write((tx) => addCost(tx, id, usd));
  return getContract(store.db, id);
}

async function told(store: Store): Promise<string[]> {
  const { items } = await listNotifications(store.db, { unread: false, kind: "budget-spent" }, { limit: 10 });
  return items.map(({ body }) => body.split("\n")[0] ?? "");
}

onEveryEngine("a cost is counted without a version or a change of the contract", async (database) => {
  await using store = await database.open();
  const before = await newOpened(store, { budgetUsd: 1 });
  const { changes } = await countChanges(store);
  assert.deepEqual(await spend(store, before.id, 0.25), { ...before, costUsd: 0.25 });
  assert.deepEqual(await spend(store, before.id, 0), { ...before, costUsd: 0.25 });
  assert.deepEqual(await spend(store, before.id, 0.5), { ...before, costUsd: 0.75 });
  assert.equal((await countChanges(store)).changes, changes);
});

onEveryEngine(
  "a spent budget pauses the contract, is told once, and keeps it paused until it is raised",
  async (db) => {
    await using store = await db.open();
    const { id } = await newOpened(store, { budgetUsd: 1 });
    const worker = await addWorker(store, id, "running");
    const contract = await spend(store, id, 1);
    assert.equal(contract.status, "paused");
    const { hold } = await store.db
      .selectFrom("tasks")
      .select("hold")
      .where("id", "=", worker)
      .executeTakeFirstOrThrow();
    assert.equal(hold, "contract");
    // The iteration that was under way still costs.
    assert.equal((await spend(store, id, 0.5)).version, contract.version);
    const first = "Its tasks have cost $1.00, of a budget of $1.00: the contract is paused.";
    assert.deepEqual(await told(store), [first]);

    const resume = () => store.write((tx) => resumeContract(tx, id));
    await assert.rejects(resume, { code: "conflict", hint: /--budget/ });
    await store.write((tx) => updateContract(tx, id, null, { budgetUsd: 2 }));
    assert.equal((await resume()).status, "active");
    assert.equal((await spend(store, id, 0.5)).status, "paused");
    assert.equal((await told(store)).length, 2);
  },
);

onEveryEngine("a budget below what was spent pauses at once, and without one nothing does", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  assert.equal((await spend(store, id, 5)).status, "active");
  assert.equal((await store.write((tx) => updateContract(tx, id, null, { budgetUsd: 4 }))).status, "paused");
  await store.write((tx) => updateContract(tx, id, null, { budgetUsd: null }));
  assert.equal((await store.write((tx) => resumeContract(tx, id))).status, "active");
});

onEveryEngine("whose last task is completed with the last of the budget is done", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, { budgetUsd: 0.5 });
  await connect(store);
  const run = await nextRun(store, task.id);
  await say(store, run, started, iterationStarted(1), verdict(1, { verdict: "done" }));
  assert.equal((await getContract(store.db, contract.id)).status, "paused");
  await say(store, run, finished());
  assert.equal((await getTask(store.db, task.id)).status, "completed");
  assert.equal((await getContract(store.db, contract.id)).status, "completed");
});

onEveryEngine("a cost that comes after the end is counted, and changes nothing else", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store, { budgetUsd: 1 });
  const completed = await store.write((tx) => completeContract(tx, id));
  assert.deepEqual(await spend(store, id, 2), { ...completed, costUsd: 2 });
  assert.deepEqual(await told(store), []);
});

async function countChanges(store: Store): Promise<{ changes: number }> {
  return store.db
    .selectFrom("changes")
    .select((eb) => eb.fn.countAll<number>().as("changes"))
    .executeTakeFirstOrThrow();
}
