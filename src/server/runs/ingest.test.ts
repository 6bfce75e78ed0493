import fc from "fast-check";
import assert from "node:assert/strict";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { taskDetail } from "../tasks/detail.ts";
import { resumeTask } from "../tasks/resume.ts";
import { getTask } from "../tasks/view.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { append, newRun, nextRun, readAll, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";

const OUT = "iterations/0001/out";
const ITERATIONS = 4;

/** What the daemon has on its disk. Two lines are no events: they are stored like the others and change nothing. */
const TRANSCRIPTS: Readonly<Record<string, Buffer>> = {
  [OUT]: Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 7) % 256)),
  [EVENTS]: Buffer.from(
    [
      encodeEvent(started),
      "this is not JSON\n",
      ...Array.from({ length: ITERATIONS }, (_, index) => [
        encodeEvent(iterationStarted(index + 1)),
        encodeEvent(verdict(index + 1, { costUsd: 0.25 })),
      ]).flat(),
      '{"type":"from the future"}\n',
    ].join(""),
  ),
};

const streams = fc.constantFrom(OUT, EVENTS);
const delivery = fc.record({ stream: streams, from: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(700) });
const anyStep = fc.oneof(
  { weight: 8, arbitrary: fc.array(delivery, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
);

onEveryEngine(
  "whatever is repeated, reordered, lost or interrupted: the same bytes, each event once",
  async (database) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
        let store = await database.open();
        const run = await newRun(store);
        for (const step of steps) {
          if (step === "restart") {
            await store[Symbol.asyncDispose]();
            store = await database.open();
          } else {
            await append(store, run, step.map(slice));
          }
        }
        for (const stream of [OUT, EVENTS]) await deliverRest(store, run, stream);
        for (const stream of [OUT, EVENTS])
          assert.deepEqual(await readAll(store, run.runId, stream), TRANSCRIPTS[stream]);
        const task = await getTask(store.db, run.taskId);
        assert.deepEqual([task.iterations, task.costUsd, task.status], [ITERATIONS, ITERATIONS * 0.25, "running"]);
        await store[Symbol.asyncDispose]();
      }),
      { numRuns: 15 },
    );
  },
);

onEveryEngine("a run that was overtaken by a later one, or is somebody else's, can write nothing", async (database) => {
  await using store = await database.open();
  const first = await newRun(store);
  await say(store, first, started, finished({ outcome: "failed" }));
  await store.write((tx) => resumeTask(tx, first.taskId, {}));
  const second = await nextRun(store, first.taskId);
  const data = Buffer.from("late");
  const fenced = (runId: string) => [{ kind: "fenced", run: runId }];
  assert.deepEqual(await append(store, first, [{ stream: OUT, offset: 0, data }]), fenced(first.runId));
  const foreign = { ...second, fence: second.fence + 1 };
  assert.deepEqual(await append(store, foreign, [{ stream: OUT, offset: 0, data }]), fenced(second.runId));
  assert.deepEqual(
    await append(store, { ...second, runId: "unknown" }, [{ stream: OUT, offset: 0, data }]),
    fenced("unknown"),
  );
  assert.equal((await readAll(store, first.runId, OUT)).length, 0);
  const ack = { kind: "ack", run: second.runId, stream: OUT, offset: data.length };
  assert.deepEqual(await append(store, second, [{ stream: OUT, offset: 0, data }]), [ack]);
});

onEveryEngine("what a daemon says after the end of its run is kept as bytes and changes nothing", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, finished({ outcome: "failed", reason: "first" }));
  await store.write((tx) => resumeTask(tx, run.taskId, {}));
  await say(store, run, verdict(1), finished({ outcome: "completed", reason: "second" }));
  const { task } = await taskDetail(store.db, run.taskId);
  assert.deepEqual([task.status, task.costUsd], ["pending", 0]);
  assert.doesNotMatch(task.reason ?? "", /first|second/);
});

function slice({ stream, from, length }: { stream: string; from: number; length: number }) {
  const whole = TRANSCRIPTS[stream] ?? Buffer.alloc(0);
  const offset = Math.floor(from * whole.length);
  return { stream, offset, data: whole.subarray(offset, offset + length) };
}

/** As a daemon does it: from the acknowledged offset on, in pieces that do not care for lines. */
async function deliverRest(store: Parameters<typeof append>[0], run: TestRun, stream: string): Promise<void> {
  const whole = TRANSCRIPTS[stream] ?? Buffer.alloc(0);
  for (let offset = (await readAll(store, run.runId, stream)).length; offset < whole.length;) {
    const [receipt] = await append(store, run, [{ stream, offset, data: whole.subarray(offset, offset + 2_000) }]);
    assert.ok(receipt?.kind === "ack" && receipt.offset > offset);
    offset = receipt.offset;
  }
}
