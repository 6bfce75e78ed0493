import { sql } from "kysely";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Principal } from "../auth/keys.ts";
import { resolveOwn } from "../auth/scope.ts";
import { readChanges } from "../changes/changes.ts";
import { deleteContract, pauseContract } from "../contracts/transitions.ts";
import { releaseIdentity } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { spawnRun } from "../dispatch/spawn.ts";
import { requeueTask } from "../tasks/requeue.ts";
import { resumeTask } from "../tasks/resume.ts";
import { getTask } from "../tasks/view.ts";
import { openStore, temporaryHome } from "../testing/basics.ts";
import { addWorker, newOpened } from "../testing/contracts.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { givenOrder, givenOrders, report, request } from "../testing/operations.ts";
import { connect, DAEMON, HOLDER, newRun, newSupervisor } from "../testing/run.ts";
import { listOperations } from "./list.ts";
import { getOperation } from "./rows.ts";
import { WANTED, wantedTasks } from "./wanted.ts";

const LIST = { kind: "ListWorktrees", daemon: DAEMON };
const UNKNOWN = "01a1fe30-0000-7000-8000-000000000000";

const LISTED = { root: "/w", bytes: 1, quota: null, worktrees: [], salvaged: [], truncated: false };

onEveryEngine("a daemon is asked about its checkouts by people; agents neither ask nor see it", async (database) => {
  await using store = await database.open();
  const { contractId, taskId, runId } = await newSupervisor(store);
  const agent = (kind: "task" | "supervisor"): Principal => ({ kind, keyId: "k", contractId, taskId, runId });
  for (const kind of ["task", "supervisor"] as const) {
    await assert.rejects(request(store, LIST, agent(kind)), { code: "forbidden" });
  }
  const operation = await request(store, { ...LIST, salvaged: true });
  assert.deepEqual([operation.contractId, operation.daemonId, operation.origin], [null, DAEMON, "person"]);
  const { commandId, order } = await givenOrder(store, "ListWorktrees");
  assert.deepEqual(order, { kind: "ListWorktrees", salvaged: true, wanted: [taskId] });
  await report(store, commandId, { result: LISTED });
  assert.deepEqual((await getOperation(store.db, operation.id)).result, LISTED);

  const seenIn = async (contract: string | null) =>
    (await readChanges(store.db, 0, 1_000, contract)).filter(({ id }) => id === operation.id).length;
  assert.deepEqual([await seenIn(null), await seenIn(contractId)], [3, 0]);
  const lists = [contractId, null].map((contract) => listOperations(store.db, contract, { limit: 10 }));
  assert.deepEqual(
    (await Promise.all(lists)).map(({ items }) => items.length),
    [0, 1],
  );
  await assert.rejects(resolveOwn(store.db, agent("supervisor"), "operations", operation.id), { code: "forbidden" });
  await assert.rejects(resolveOwn(store.db, agent("task"), "operations", operation.id.slice(-8)), {
    code: "not_found",
  });
});

onEveryEngine(
  "tasks are named by what stands for them, also those that this server does not know",
  async (database) => {
    await using store = await database.open();
    const { taskId } = await newRun(store);
    await request(store, { kind: "CleanWorktrees", daemon: DAEMON, tasks: [taskId.slice(-8), taskId, UNKNOWN] });
    const { commandId, order } = await givenOrder(store, "CleanWorktrees");
    assert.deepEqual([order.tasks, order.wanted, order.dryRun], [[taskId, UNKNOWN], [taskId], false]);
    await report(store, commandId, { error: { code: "git_failed", message: "no", hint: "" } });
    await request(store, { kind: "CleanWorktrees", daemon: DAEMON, dryRun: true });
    const { order: all } = await givenOrder(store, "CleanWorktrees");
    assert.deepEqual([all.tasks, all.dryRun], [null, true]);
    await assert.rejects(request(store, { kind: "CleanWorktrees", daemon: DAEMON, tasks: ["99999999"] }), {
      code: "not_found",
    });
  },
);

onEveryEngine(
  "what is restored is something that was salvaged, to a branch of a name that makima gives",
  async (db) => {
    await using store = await db.open();
    await connect(store);
    const restore = (fields: object) => request(store, { kind: "RestoreWorktree", daemon: DAEMON, ...fields });
    const ref = `refs/makima/salvage/${UNKNOWN}/1`;
    for (const wrong of ["refs/heads/main", "HEAD", "refs/makima/salvage/../../heads/main", "--all"]) {
      await assert.rejects(restore({ ref: wrong }), { code: "invalid_request" }, wrong);
    }
    await assert.rejects(restore({ ref, branch: "--force" }), { code: "invalid_request", message: /^branch: / });
    await restore({ ref });
    assert.deepEqual((await givenOrder(store, "RestoreWorktree")).order, {
      kind: "RestoreWorktree",
      ref,
      branch: null,
    });
  },
);

onEveryEngine("one that is offline or unknown is not asked, and none more than it can do", async (database) => {
  await using store = await database.open();
  await connect(store);
  for (let count = 0; count < 20; count += 1) await request(store, LIST);
  await assert.rejects(request(store, LIST), { code: "conflict", message: /20 operations about the daemon/ });
  assert.equal((await givenOrders(store)).length, 20);
  await store.write((tx) => releaseIdentity(tx, HOLDER));
  await assert.rejects(request(store, LIST), { code: "unavailable", message: /d1 on box is offline/ });
  await assert.rejects(request(store, { ...LIST, daemon: "d9" }), { code: "not_found" });
});

onEveryEngine("wanted is what may be worked on there: live or to be resumed, of contracts that go on", async (db) => {
  await using store = await db.open();
  const { id } = await newOpened(store);
  const wanted: string[] = [];
  for (const state of ["running", "failed", "cancelled"] as const) wanted.push(await addWorker(store, id, state));
  for (const state of ["completed", "pending"] as const) await addWorker(store, id, state);
  assert.deepEqual(await wantedTasks(store.db, DAEMON), wanted.toSorted());
  await store.write((tx) => pauseContract(tx, id));
  assert.deepEqual(await wantedTasks(store.db, DAEMON), wanted.toSorted());
  const over = await newOpened(store);
  await addWorker(store, over.id, "failed");
  await store.write((tx) => deleteContract(tx, over.id));
  assert.deepEqual(await wantedTasks(store.db, DAEMON), wanted.toSorted());
});

onEveryEngine(
  "where a task went elsewhere, or was given up there, it is not wanted there any more",
  async (database) => {
    await using store = await database.open();
    const { id } = await newOpened(store);
    const lost = await addWorker(store, id, "running");
    await store.write((tx) => requeueTask(tx, lost, "It is lost"));
    assert.deepEqual(await wantedTasks(store.db, DAEMON), []);
    const moved = await addWorker(store, id, "failed");
    await store.write((tx) => resumeTask(tx, moved, {}));
    await connect(store, { id: "d2", instance: "i2", name: "d2" });
    await store.write((tx) => spawnRun(tx, moved, "d2"));
    // That one has not begun: should it fail to, the next run goes on from the first daemon's.
    for (const daemon of [DAEMON, "d2"]) assert.deepEqual(await wantedTasks(store.db, daemon), [moved]);
    await begin(store, moved);
    assert.deepEqual(await wantedTasks(store.db, DAEMON), []);
    assert.deepEqual(await wantedTasks(store.db, "d2"), [moved]);
  },
);

test("what is wanted is looked for among contracts that go on, not in all that ever was", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const { rows } = await sql<{ detail: string }>`explain query plan ${WANTED(DAEMON)}`.execute(store.db);
  const plan = rows.map(({ detail }) => detail).join("\n");
  assert.match(plan, /SCAN contracts USING (COVERING )?INDEX contracts_live/);
  assert.match(plan, /SEARCH tasks USING INDEX tasks_(open|by_contract)/);
  assert.doesNotMatch(plan, /SCAN (tasks|runs|begun)/);
});

async function begin(store: Store, taskId: string): Promise<void> {
  const { runId } = await getTask(store.db, taskId);
  await store.write((tx) => tx.db.updateTable("runs").set({ started_at: 1 }).where("id", "=", runId).execute());
}
