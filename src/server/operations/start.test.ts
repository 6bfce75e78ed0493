import assert from "node:assert/strict";
import { CreateContract, OpenContract } from "../../protocol/api.ts";
import type { Principal } from "../auth/keys.ts";
import { createContract, openContract } from "../contracts/create.ts";
import { deleteContract } from "../contracts/transitions.ts";
import { releaseIdentity } from "../daemons/identity.ts";
import { removeDaemon } from "../daemons/remove.ts";
import type { Store } from "../db/store.ts";
import { stopTask } from "../tasks/stop.ts";
import { contract as terms, finished, opened, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { givenOrders, request } from "../testing/operations.ts";
import { addTask, connect, HOLDER, newRun, newSupervisor, nextRun, say } from "../testing/run.ts";
import { listOperations } from "./list.ts";
import { getOperation } from "./rows.ts";

/** The agent of a task, or of a supervisor. */
function agent(kind: "task" | "supervisor", contractId: string, taskId: string): Principal {
  return { kind, keyId: "k", contractId, taskId, runId: "r" };
}

async function disconnect(store: Store): Promise<void> {
  await store.write((tx) => releaseIdentity(tx, HOLDER));
}

onEveryEngine("a worker's agent looks at its contract, and keeps the state of its own task", async (database) => {
  await using store = await database.open();
  const { contractId } = await newSupervisor(store);
  const [own, other] = [await addTask(store, contractId), await addTask(store, contractId)];
  for (const { id } of [own, other]) await say(store, await nextRun(store, id), started, finished());
  const worker = agent("task", contractId, own.id);
  const checkpoint = { kind: "CreateCheckpoint", message: "Half done" };
  for (const allowed of [
    { kind: "GetDiff", task: other.id },
    { kind: "ReadFile", task: other.id, path: "README.md" },
    { kind: "ListBranches", contract: contractId },
    { ...checkpoint, task: own.id },
  ]) {
    assert.equal((await request(store, allowed, worker)).origin, "agent");
  }
  const branch = { kind: "CreateBranch", contract: contractId, name: "makima/mend-the-parser/spike" };
  const forbidden = [
    branch,
    { ...checkpoint, task: other.id },
    { kind: "RestoreCheckpoint", task: other.id, checkpoint: "1" },
    { kind: "MergeBranch", task: own.id },
    { kind: "CreatePullRequest", task: own.id },
  ];
  for (const body of forbidden) await assert.rejects(request(store, body, worker), { code: "forbidden" }, body.kind);
  const foreign = await newRun(store);
  await assert.rejects(request(store, { kind: "GetDiff", task: foreign.taskId }, worker), { code: "forbidden" });
  const short = { kind: "GetDiff", task: foreign.taskId.slice(-8) };
  await assert.rejects(request(store, short, worker), { code: "not_found" });
});

onEveryEngine("a supervisor's agent does all of it, and keeps to its contract's branches", async (database) => {
  await using store = await database.open();
  const { contractId, taskId } = await newSupervisor(store);
  const task = await addTask(store, contractId);
  await say(store, await nextRun(store, task.id), started, finished());
  const supervisor = agent("supervisor", contractId, taskId);
  const merge = { kind: "MergeBranch", task: task.id };
  for (const into of ["main", "makima/other/integration-1", "Makima/x"]) {
    await assert.rejects(request(store, { ...merge, into }, supervisor), { code: "forbidden" }, into);
    assert.equal((await request(store, { ...merge, into })).origin, "person");
  }
  const branch = { kind: "CreateBranch", contract: contractId };
  await assert.rejects(request(store, { ...branch, name: "spike" }, supervisor), { code: "forbidden" });
  await request(store, { ...branch, name: "makima/mend-the-parser/spike" }, supervisor);
  await request(store, { ...merge, into: "makima/mend-the-parser/spike" }, supervisor);
  await request(store, { ...merge, squash: true }, supervisor);
  assert.equal(
    (await request(store, { kind: "CreatePullRequest", contract: contractId }, supervisor)).status,
    "queued",
  );
});

onEveryEngine("it is done where the work lies; elsewhere it would find nothing", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const other = { id: "d2", instance: "i2", name: "d2" };
  await connect(store, other);
  const diff = { kind: "GetDiff", task: run.taskId };
  assert.equal((await request(store, diff)).daemonId, "d1");
  await disconnect(store);
  await assert.rejects(request(store, diff), { code: "unavailable", message: /d1 on box is offline/ });
  await connect(store);
  await say(store, run, started, finished());
  await disconnect(store);
  await store.write((tx) => removeDaemon(tx, "d1"));
  await assert.rejects(request(store, diff), { code: "unavailable", message: /was removed/ });
});

onEveryEngine("what has not begun is on the only daemon there is, or nobody knows where", async (database) => {
  await using store = await database.open();
  const { id: contract } = await store.write((tx) => openContract(tx, OpenContract.parse(opened)));
  const list = { kind: "ListBranches", contract };
  await assert.rejects(request(store, list), { code: "unavailable", message: /No daemon/ });
  await connect(store);
  assert.equal((await request(store, list)).daemonId, "d1");
  await connect(store, { id: "d2", instance: "i2", name: "d2" });
  await assert.rejects(request(store, list), { code: "conflict", message: /several daemons/ });
  const task = await addTask(store, contract);
  await assert.rejects(request(store, { kind: "GetDiff", task: task.id }), { code: "conflict", message: /not begun/ });
  await nextRun(store, task.id);
  assert.equal((await request(store, list)).daemonId, "d1");
});

onEveryEngine("a deleted contract takes no more, and no contract more than it can use", async (database) => {
  await using store = await database.open();
  const { task, contract } = await store.write((tx) => createContract(tx, CreateContract.parse(terms)));
  await connect(store);
  await say(store, await nextRun(store, task.id), started, finished({ outcome: "failed" }));
  const diff = { kind: "GetDiff", task: task.id };
  for (let count = 0; count < 20; count += 1) await request(store, diff);
  await assert.rejects(request(store, diff), { code: "conflict", message: /20 operations/ });
  assert.equal((await givenOrders(store)).length, 20);
  await store.write((tx) => deleteContract(tx, contract.id));
  await assert.rejects(request(store, diff), { code: "conflict", message: /deleted/ });

  const page = await listOperations(store.db, contract.id, { limit: 15 });
  const rest = await listOperations(store.db, null, { limit: 15, cursor: page.next ?? "" });
  assert.deepEqual([page.items.length, rest.items.length, rest.next], [15, 5, null]);
  assert.deepEqual(await listOperations(store.db, "another", { limit: 15 }), { items: [], next: null });
  await assert.rejects(getOperation(store.db, "another"), { code: "not_found" });
});

onEveryEngine("a task that was stopped before it began has nothing to look at", async (database) => {
  await using store = await database.open();
  const { task } = await store.write((tx) => createContract(tx, CreateContract.parse(terms)));
  await connect(store);
  await store.write((tx) => stopTask(tx, task.id, "enough"));
  await assert.rejects(request(store, { kind: "MergeBranch", task: task.id }), { code: "conflict" });
});
