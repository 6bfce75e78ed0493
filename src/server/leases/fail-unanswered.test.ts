import assert from "node:assert/strict";
import { OpenContract } from "../../protocol/api.ts";
import { openContract } from "../contracts/create.ts";
import type { Store } from "../db/store.ts";
import { getOperation } from "../operations/rows.ts";
import { getTask } from "../tasks/view.ts";
import { silent, until } from "../testing/basics.ts";
import { opened } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { fastClock } from "../testing/fast-clock.ts";
import { givenOrder, givenOrders, mergeResult, report, request } from "../testing/operations.ts";
import { addTask, connect, work } from "../testing/run.ts";
import { failUnanswered } from "./fail-unanswered.ts";
import { LeaseKeeper } from "./lease-keeper.ts";

const MINUTE = 60_000;

/** Completed tasks: the merge of the first is given, that of the second waits. */
async function merging(store: Store): Promise<string[]> {
  const input = OpenContract.parse({ ...opened, completionAction: "branch" });
  const { id } = await store.write((tx) => openContract(tx, input));
  await connect(store);
  const tasks = [await addTask(store, id), await addTask(store, id)];
  for (const task of tasks) await work(store, task.id, "completed");
  return tasks.map((task) => task.id);
}

onEveryEngine(
  "what a lost daemon has not answered fails, with what waited for it; late answers are in vain",
  async (database) => {
    await using store = await database.open();
    const tasks = await merging(store);
    const { commandId, order } = await givenOrder(store, "MergeBranch");
    const { id } = await request(store, { kind: "GetDiff", task: tasks[0] ?? "" });
    {
      await using _ = new LeaseKeeper({ store, clock: fastClock(100), log: silent, lostAfterMs: MINUTE });
      await until(async () => (await getOperation(store.db, id)).endedAt !== null);
      await until(async () => (await givenOrders(store)).length === 0);
    }
    const { error } = await getOperation(store.db, id);
    assert.equal(error?.code, "unavailable");
    assert.match(error.message, /daemon d1 on box has not been seen since 20/);
    const merges = async () => Promise.all(tasks.map(async (task) => (await getTask(store.db, task)).merge));
    assert.deepEqual(await merges(), ["failed", "failed"]);
    const told = await store.db.selectFrom("notifications").select("kind").execute();
    assert.equal(told.filter(({ kind }) => kind === "merge-failed").length, 2);

    await connect(store);
    assert.equal(await report(store, commandId, { result: mergeResult(order) }), true);
    assert.deepEqual(await merges(), ["failed", "failed"]);
  },
);

onEveryEngine("what a daemon that has come back was asked stays asked", async (database) => {
  await using store = await database.open();
  await merging(store);
  const { last_seen_at: lastSeenAt } = await store.db.selectFrom("daemons").selectAll().executeTakeFirstOrThrow();
  assert.equal(await failUnanswered(store, { daemonId: "d1", online: false, lastSeenAt, leases: 2 }), 0);
  assert.equal((await givenOrders(store)).length, 1);
});
