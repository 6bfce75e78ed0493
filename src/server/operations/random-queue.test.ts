import fc from "fast-check";
import assert from "node:assert/strict";
import { OpenContract } from "../../protocol/api.ts";
import { openContract } from "../contracts/create.ts";
import { deleteContract } from "../contracts/transitions.ts";
import type { Store } from "../db/store.ts";
import { resumeTask } from "../tasks/resume.ts";
import { stopTask } from "../tasks/stop.ts";
import { opened } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { CONFLICT, givenOrders, mergeResult, RED, report, request } from "../testing/operations.ts";
import { brokenRules } from "../testing/rules.ts";
import { addTask, connect, DAEMON, work } from "../testing/run.ts";
import { failLatestOf } from "./end.ts";

const ERROR = { code: "git_failed", message: "the disk is full", hint: "" };
const ENDS = [{}, { outcome: "up-to-date" }, { outcome: "clean" }, CONFLICT, RED] as const;

/** What happens to the `index`th task of a contract; what the server refuses, it refuses. */
type Happening = (store: Store, taskIds: readonly string[], index: number) => Promise<unknown>;

const HAPPENINGS: readonly Happening[] = [
  (store, ids, index) => work(store, pick(ids, index), index % 4 === 0 ? "failed" : "completed"),
  (store, ids, index) => request(store, { kind: "MergeBranch", task: pick(ids, index), dryRun: index % 2 === 0 }),
  (store, ids, index) => request(store, { kind: "CreatePullRequest", task: pick(ids, index) }),
  (store, ids, index) => store.write((tx) => resumeTask(tx, pick(ids, index), {}, "One more thing")),
  (store, ids, index) => store.write((tx) => stopTask(tx, pick(ids, index), "enough")),
  (store, _, index) => answer(store, index),
  (store, _, index) => answer(store, index),
  (store) => store.write((tx) => failLatestOf(tx, DAEMON, ERROR)),
];

onEveryEngine(
  "whatever is asked, answered and lost, no queue stands still or does two things at once",
  async (database) => {
    await using store = await database.open();
    await connect(store);
    const steps = fc.array(fc.tuple(fc.nat({ max: HAPPENINGS.length - 1 }), fc.nat({ max: 11 })), {
      minLength: 8,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (chosen) => {
        const input = OpenContract.parse({ ...opened, completionAction: "branch" });
        const { id } = await store.write((tx) => openContract(tx, input));
        const tasks = [await addTask(store, id), await addTask(store, id), await addTask(store, id)].map(
          (task) => task.id,
        );
        for (const [which, index] of chosen) {
          await HAPPENINGS[which]?.(store, tasks, index).catch(onlyRefused);
          assert.deepEqual([...(await brokenQueues(store)), ...(await brokenRules(store))], []);
        }
        await store.write((tx) => deleteContract(tx, id));
        while (await store.write((tx) => failLatestOf(tx, DAEMON, ERROR)));
      }),
      // What came before is in the database still: there is nothing to shrink.
      { numRuns: 12, endOnFailure: true },
    );
  },
);

function pick(ids: readonly string[], index: number): string {
  return ids[index % ids.length] ?? "";
}

async function answer(store: Store, index: number): Promise<void> {
  const [given] = await givenOrders(store);
  if (given === undefined) return;
  const { commandId, order } = given;
  const end = ENDS[index % (ENDS.length + 1)];
  const result =
    order.kind === "MergeBranch" ? mergeResult(order, end) : { remote: "o", branch: "b", url: null, next: null };
  await report(store, commandId, end === undefined ? { error: ERROR } : { result });
}

function onlyRefused(error: unknown): void {
  const { code } = error as { code?: unknown };
  if (code !== "conflict") throw error;
}

/** Every violation, in words, of what holds of operations between any two transactions. */
async function brokenQueues(store: Store): Promise<string[]> {
  const rows = store.db.selectFrom("operations").selectAll();
  const live = await rows.where("ended_at", "is", null).orderBy("seq").execute();
  const queues = [...Map.groupBy(live, ({ queue, id }) => queue ?? id).values()];
  const wrong = queues.flatMap((queue) =>
    queue.flatMap(({ id, status }, index) =>
      status === (index === 0 ? "running" : "queued") ? [] : [`the operation ${id} is ${status}, as number ${index}`],
    ),
  );
  const given = (await openOrders(store)).join();
  const running = live.flatMap(({ id, status }) => (status === "running" ? [id] : [])).join();
  if (given !== running) wrong.push(`${running} are running, ${given} given`);
  const waiting = (await queuedTasks(store)).filter((id) =>
    live.every(({ task_id, origin }) => task_id !== id || origin !== "queue"),
  );
  return [...wrong, ...waiting.map((id) => `the task ${id} waits for no merge`)];
}

async function openOrders({ db }: Store): Promise<(string | null)[]> {
  const open = db.selectFrom("commands").select("operation_id").where("done_at", "is", null);
  const rows = await open.where("operation_id", "is not", null).orderBy("seq").execute();
  return rows.map(({ operation_id }) => operation_id);
}

async function queuedTasks({ db }: Store): Promise<string[]> {
  const rows = await db
    .selectFrom("tasks")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .select("tasks.id")
    .where("tasks.merge", "=", "queued")
    .where("contracts.status", "!=", "deleted")
    .execute();
  return rows.map(({ id }) => id);
}
