import { sql } from "kysely";
import assert from "node:assert/strict";
import { systemClock } from "../../platform/clock.ts";
import type { Clock } from "../../platform/clock.ts";
import { HOUR } from "../../platform/config/units.ts";
import type { Store } from "../db/store.ts";
import { storedBytes } from "../runs/stored.ts";
import { readStream } from "../runs/streams.ts";
import { getTask } from "../tasks/view.ts";
import { silent, until } from "../testing/basics.ts";
import { started } from "../testing/data.ts";
import { endedRun } from "../testing/ended-run.ts";
import type { EndedRun } from "../testing/ended-run.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { givenOrder, report, request } from "../testing/operations.ts";
import { OUT } from "../testing/play.ts";
import { newRun, readAll, say } from "../testing/run.ts";
import { dropOutput } from "./drop.ts";
import { Retention } from "./retention.ts";

const DAY = 24 * HOUR;

function keep(store: Store, rules: { maxAgeMs?: number; maxSizeBytes?: number }, clock: Clock = systemClock) {
  const all = { maxAgeMs: null, maxSizeBytes: null, archive: null, ...rules };
  return new Retention({ store, clock, log: silent, rules: all, archiveDir: "/nowhere", environment: {} });
}

/** Which of the runs can be read no more. */
async function dropped({ db }: Store, runs: readonly EndedRun[]): Promise<number[]> {
  const rows = await db.selectFrom("runs").select("id").where("dropped_at", "is not", null).execute();
  return runs.flatMap(({ runId }, index) => (rows.some(({ id }) => id === runId) ? [index] : []));
}

/** Nothing is left of what was dropped, all of what was not; and the sum is what there is. */
async function check(store: Store, runs: readonly EndedRun[]): Promise<void> {
  const gone = await dropped(store, runs);
  for (const [index, { runId, output }] of runs.entries()) {
    if (gone.includes(index)) await assert.rejects(readStream(store.db, runId, OUT, 0), { code: "gone" });
    else assert.ok((await readAll(store, runId, OUT)).equals(output));
    const chunks = await store.db.selectFrom("chunks").select("offset").where("run_id", "=", runId).execute();
    assert.equal(chunks.length === 0, gone.includes(index));
  }
  const bytes = sql<number>`coalesce(sum(length(data)), 0)`.as("bytes");
  const stored = await store.db.selectFrom("chunks").select(bytes).executeTakeFirstOrThrow();
  assert.equal(await storedBytes(store.db), stored.bytes);
}

async function nothingLeft({ db }: Store): Promise<boolean> {
  const left = db.selectFrom("chunks").innerJoin("runs", "runs.id", "chunks.run_id").select("stream");
  return (await left.where("dropped_at", "is not", null).execute()).length === 0;
}

onEveryEngine("what ended longer ago than the limit is dropped; what is newer, or live, stays", async (database) => {
  await using store = await database.open();
  const runs = [
    await endedRun(store, { age: 9 * DAY }),
    await endedRun(store, { age: 3 * DAY }),
    await endedRun(store),
  ];
  const live = await newRun(store);
  await say(store, live, started);
  await using _ = keep(store, { maxAgeMs: 5 * DAY });
  await until(async () => (await dropped(store, runs)).length === 1 && nothingLeft(store));
  assert.deepEqual(await dropped(store, runs), [0]);
  assert.ok((await readAll(store, live.runId, "events")).length > 0);
  assert.equal((await getTask(store.db, runs[0]?.taskId ?? "")).status, "completed");
});

onEveryEngine(
  "above the size the oldest is dropped until the rest fits, and again when more has ended",
  async (database) => {
    await using store = await database.open();
    const size = { bytes: 300_000 };
    const runs: EndedRun[] = [];
    for (const age of [2 * DAY, 3 * DAY, DAY]) runs.push(await endedRun(store, { age, ...size }));
    await using _ = keep(store, { maxSizeBytes: 700_000 });
    await until(async () => (await dropped(store, runs)).length === 1 && nothingLeft(store));
    assert.deepEqual(await dropped(store, runs), [1]);
    await check(store, runs);
    runs.push(await endedRun(store, size));
    await until(async () => (await dropped(store, runs)).length === 2 && nothingLeft(store));
    assert.deepEqual(await dropped(store, runs), [0, 1]);
    await check(store, runs);
  },
);

onEveryEngine(
  "a drop that a kill has interrupted is finished at the next start, whatever the rules",
  async (database) => {
    await using store = await database.open();
    const runs = [await endedRun(store, { bytes: 3_000_000 }), await endedRun(store)];
    await dropOutput(store, runs[0]?.runId ?? "");
    await using _ = keep(store, {});
    await until(() => nothingLeft(store));
    await check(store, runs);
  },
);

onEveryEngine("once an hour it looks again", async (database) => {
  await using store = await database.open();
  const runs = [await endedRun(store)];
  const clock = new ManualClock();
  clock.advance(systemClock.now() - clock.now());
  await using _ = keep(store, { maxAgeMs: DAY }, clock);
  await until(() => clock.sleeping.length === 1);
  assert.deepEqual(clock.sleeping, [HOUR]);
  clock.advance(2 * DAY);
  await until(async () => (await dropped(store, runs)).length === 1 && nothingLeft(store));
  await check(store, runs);
});

onEveryEngine("what was only looked at is kept for a day, whatever the rules", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started);
  await request(store, { kind: "GetDiff", task: run.taskId });
  const { commandId } = await givenOrder(store, "GetDiff");
  await report(store, commandId, { error: { code: "gone", message: "no checkout", hint: "" } });
  const count = async () => (await store.db.selectFrom("operations").select("id").execute()).length;
  const clock = new ManualClock();
  clock.advance(systemClock.now() - clock.now());
  await using _ = keep(store, {}, clock);
  await until(() => clock.sleeping.length === 1);
  assert.equal(await count(), 1);
  await until(async () => {
    clock.advance(DAY);
    return (await count()) === 0;
  });
});
