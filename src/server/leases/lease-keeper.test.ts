import assert from "node:assert/strict";
import { test } from "node:test";
import { listDaemons } from "../daemons/daemons.ts";
import { holdsIdentity, takeIdentity } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { spawnRun } from "../dispatch/spawn.ts";
import { answerHello } from "../link/hello.ts";
import { getTask } from "../tasks/view.ts";
import { silent, until } from "../testing/basics.ts";
import { iterationStarted, started } from "../testing/data.ts";
import { onEveryEngine, postgresDatabase } from "../testing/engines.ts";
import { fastClock } from "../testing/fast-clock.ts";
import { DAEMON, HOLDER, newRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { OUTAGE } from "./policy.ts";

const MINUTE = 60_000;

/** A server's watch, by which a minute takes some 600 ms. */
function keep(store: Store, lostAfterMs: number): LeaseKeeper {
  return new LeaseKeeper({ store, clock: fastClock(100), log: silent, lostAfterMs });
}

onEveryEngine("a lost daemon's tasks go to others, and it is told when it returns too late", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const waiting = await newRun(store);
  const limit = { type: "waiting", at: 3, until: 9, reason: "limit", kind: "usage-limit" } as const;
  await say(store, waiting, started, iterationStarted(1), limit);
  const paused = await newRun(store);
  await say(store, paused, started, { type: "paused", at: 3 });
  {
    await using _ = keep(store, MINUTE);
    await until(async () => (await listDaemons(store.db)).every(({ online }) => !online));
    assert.equal((await getTask(store.db, run.taskId)).unreachable, true);
    await until(async () => (await statuses(store, run, waiting, paused)).every((status) => status === "pending"));
  }
  const requeued = await store.db.selectFrom("tasks").select("reason").executeTakeFirstOrThrow();
  assert.match(requeued.reason ?? "", /daemon d1 on box has not been seen since 20/);
  assert.equal(await holdsIdentity(store.db, HOLDER), false);
  const told = await store.db.selectFrom("notifications").select(["kind", "title"]).execute();
  assert.deepEqual(
    told.map(({ kind }) => kind).filter((kind) => kind === "daemon-lost"),
    ["daemon-lost"],
  );

  // Not even before the task's next run has begun may the late daemon go on.
  const late = await hello(store, "l2", run, waiting, paused);
  assert.deepEqual(late, [run.runId, waiting.runId, paused.runId]);
  await store.write((tx) => spawnRun(tx, run.taskId, DAEMON));
  assert.deepEqual(await hello(store, "l3", run), [run.runId]);
});

onEveryEngine("daemons that left together get their time twice", async (database) => {
  await using store = await database.open();
  const runs: TestRun[] = [];
  while (runs.length < OUTAGE) runs.push(await newRun(store));
  const clock = fastClock(100);
  const begun = clock.now();
  await using _ = new LeaseKeeper({ store, clock, log: silent, lostAfterMs: MINUTE });
  await until(async () => (await statuses(store, ...runs)).every((status) => status === "pending"));
  assert.ok(clock.now() - begun >= 2 * MINUTE);
});

test("several servers watch over the same daemons: each loss happens once", async () => {
  await using database = await postgresDatabase();
  await using one = await database.open();
  await using two = await database.open();
  const runs = [await newRun(one), await newRun(one)];
  await using _one = keep(one, MINUTE);
  await using _two = keep(two, MINUTE);
  await until(async () => (await statuses(two, ...runs)).every((status) => status === "pending"));
  const changes = await one.db.selectFrom("changes").select(["kind", "id", "data"]).execute();
  const pending = changes.filter(({ kind, data }) => kind === "run" && data.includes('"fenced"')).map(({ id }) => id);
  assert.deepEqual(pending.toSorted(), runs.map(({ runId }) => runId).toSorted());
  const offline = changes.filter(({ kind, data }) => kind === "daemon" && data.includes('"online":false'));
  assert.equal(offline.length, 1);
});

/** The runs that a daemon which has these is told to stop. */
async function hello(store: Store, linkId: string, ...runs: TestRun[]): Promise<string[]> {
  const names = { instance: "i1", name: DAEMON, host: "box", maxTasks: 4, labels: {} };
  await store.write((tx) => takeIdentity(tx, { id: DAEMON, ...names }, { linkId, keyId: "k" }));
  const message = { type: "hello", version: 2, daemonId: DAEMON, ...names, runs, worktrees: [] as string[] } as const;
  const answer = await answerHello(store.db, { daemonId: DAEMON, linkId }, message);
  return (answer ?? []).flatMap((it) => (it.type === "fenced" ? [it.run] : []));
}

async function statuses({ db }: Store, ...runs: TestRun[]): Promise<string[]> {
  return Promise.all(runs.map(async ({ taskId }) => (await getTask(db, taskId)).status));
}
