import assert from "node:assert/strict";
import type { Store } from "../db/store.ts";
import { createFile } from "../files/write.ts";
import { addWorker, newContract, newOpened } from "../testing/contracts.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { setCompletionAction } from "./completion-action.ts";
import { completeAsSupervisor, completeContract } from "./completion.ts";
import { getContract } from "./contracts.ts";
import { advancePhase } from "./phase.ts";

async function write(store: Store, id: string, name: string): Promise<void> {
  await store.write((tx) => createFile(tx, id, { name, content: `# ${name}` }));
}

function advance(store: Store, id: string, force = false) {
  return store.write((tx) => advancePhase(tx, id, force));
}

onEveryEngine(
  "a specification goes through its phases, each refusing to end before it has delivered",
  async (database) => {
    await using store = await database.open();
    const { id } = await newOpened(store, { type: "specification" });
    const files = { research: "research", specify: "specification", plan: "plan" };
    for (const [phase, file] of Object.entries(files)) {
      const message = `The phase ${phase} is not over: The file ${file} is not written`;
      await assert.rejects(advance(store, id), { code: "deliverables_missing", message });
      assert.equal((await getContract(store.db, id)).phase, phase);
      await write(store, id, file);
      await advance(store, id);
    }
    await assert.rejects(advance(store, id), { message: /No task has been spawned/ });
    const task = await addWorker(store, id, "running", "Build it");
    await assert.rejects(advance(store, id), { message: /Not completed: Build it$/ });
    await addWorker(store, id, "completed", "Test it");
    await addWorker(store, id, "cancelled", "Dream of it");
    await assert.rejects(advance(store, id), { message: /Not completed: Build it$/ });
    await store.db.updateTable("tasks").set({ status: "completed" }).where("id", "=", task).execute();
    const { phase, version } = await advance(store, id);
    assert.equal(phase, "review");
    await assert.rejects(advance(store, id), { code: "conflict", message: /review, its last phase/ });
    assert.equal((await getContract(store.db, id)).version, version);
  },
);

onEveryEngine("a person may force a phase to end, but there is none after the last", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  assert.equal((await advance(store, id, true)).phase, "execute");
  await assert.rejects(advance(store, id, true), { code: "conflict" });
});

onEveryEngine("a phase waits for merges where merging is the plan", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store, { type: "specification" });
  for (let phases = 0; phases < 3; phases += 1) await advance(store, id, true);
  const task = await addWorker(store, id, "completed", "Build it");
  const setMerge = (merge: "queued" | "conflict") =>
    store.db.updateTable("tasks").set({ merge }).where("id", "=", task).execute();
  await setMerge("queued");
  await assert.rejects(advance(store, id), { code: "deliverables_missing", message: /Not merged: Build it/ });
  await setMerge("conflict");
  await store.write((tx) => setCompletionAction(tx, id, "branch"));
  await assert.rejects(advance(store, id), { code: "deliverables_missing", message: /Not merged: Build it/ });
  await store.write((tx) => setCompletionAction(tx, id, "none"));
  assert.equal((await advance(store, id)).phase, "review");
});

onEveryEngine("a supervisor completes its contract in the last phase, with everything there", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, { supervisor: true });
  const complete = () => store.write((tx) => completeAsSupervisor(tx, contract.id));
  await assert.rejects(complete, { code: "conflict", message: /execute is still to come/ });
  await write(store, contract.id, "plan");
  await advance(store, contract.id);
  await assert.rejects(complete, { code: "deliverables_missing", message: /No task has been spawned/ });
  await addWorker(store, contract.id, "completed");
  // A person waits for the supervisor to end; it does not wait for itself.
  await assert.rejects(
    store.write((tx) => completeContract(tx, contract.id)),
    { code: "conflict", message: /^1 .*is live/ },
  );
  const completed = await complete();
  assert.equal(completed.status, "completed");
  assert.deepEqual(await complete(), completed);
  const { status } = await store.db
    .selectFrom("tasks")
    .select("status")
    .where("id", "=", task.id)
    .executeTakeFirstOrThrow();
  assert.equal(status, "pending");
});
