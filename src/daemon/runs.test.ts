import assert from "node:assert/strict";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { openBench, printGate } from "../../test/support/run.ts";
import type { Bench } from "../../test/support/run.ts";
import { until } from "../../test/support/until.ts";
import { systemClock } from "../platform/clock.ts";
import { decodeAppend } from "../protocol/link.ts";
import type { Command } from "../protocol/link.ts";
import { RunDirectory } from "./journal/run-directory.ts";
import { Runs } from "./runs.ts";

const DAY = 24 * 60 * 60 * 1000;

const DONE = `touch new; ${printGate(true)}`;
const WAITING = `touch "$bench/running"; until [ -e "$bench/go" ]; do sleep 0.02; done; ${DONE}`;

test("the runs of a daemon are carried out and delivered, and stay on disk for a day", async () => {
  await using bench = await openBench({ agent: DONE });
  await using runs = await openRuns(bench);
  const server = connect(runs);
  assert.equal(await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] }), null);
  assert.deepEqual(runs.undelivered(), [{ runId: bench.spec.runId, fence: 1 }]);
  await until(() => runs.undelivered().length === 0, "the run is delivered");
  assert.equal((await bench.finished()).outcome, "completed");
  const acks = join(bench.path, "acks.json");
  await until(() => existsSync(acks), "the delivery is written down");
  const acked = JSON.parse(readFileSync(acks, "utf8")) as Record<string, number>;
  assert.deepEqual(acked, { "iterations/0001/err": 0, ...Object.fromEntries(server.sizes) });
  assert.equal(server.sizes.get("events"), readFileSync(join(bench.path, "events")).length);
});

test("the runs of a daemon are started once, however often the command comes", async () => {
  await using bench = await openBench({ agent: `echo $$ >>"$bench/pids"; ${DONE}` });
  await using runs = await openRuns(bench);
  const spawn: Command = { kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] };
  for (let time = 0; time < 3; time += 1) assert.equal(await runs.execute(spawn), null);
  connect(runs);
  await until(() => runs.undelivered().length === 0, "the run is delivered");
  // Delivered again, it is only told again.
  assert.equal(await runs.execute(spawn), null);
  await until(() => runs.undelivered().length === 0, "the run is delivered again");
  assert.match(readFileSync(join(bench.repository.root, "pids"), "utf8"), /^\d+\n$/);
});

test("the runs of a daemon say why a command cannot be executed", async () => {
  await using bench = await openBench({ agent: DONE });
  await using runs = await openRuns(bench);
  const answer = await runs.execute({
    kind: "SpawnTask",
    spec: { ...bench.spec, runId: "../../elsewhere" },
    startAt: null,
    messages: [],
  });
  assert.equal(answer?.code, "invalid_request");
  assert.match(answer?.message ?? "", /ids are no names/);
  assert.equal(await runs.execute({ kind: "InterruptTask", runId: "unknown", reason: "x" }), null);
});

test("the runs of a daemon are stopped by a command, also when the daemon that heard it dies first", async () => {
  await using bench = await openBench({ agent: WAITING });
  {
    await using runs = await openRuns(bench);
    await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
    await until(() => existsSync(join(bench.repository.root, "running")), "the agent runs");
    assert.deepEqual([runs.isAtWork(bench.spec.taskId), runs.isAtWork("another")], [true, false]);
  }
  await (await RunDirectory.open(bench.path)).requestCancel("enough");
  await using runs = await openRuns(bench);
  connect(runs);
  await until(() => runs.undelivered().length === 0, "the run is delivered");
  const { outcome, reason } = await bench.finished();
  assert.deepEqual([outcome, reason, runs.isAtWork(bench.spec.taskId)], ["cancelled", "enough", false]);
});

test("the runs of a contract are stopped together, also those of tasks that nobody named, and waited for", async () => {
  await using bench = await openBench({ agent: WAITING });
  await using runs = await openRuns(bench);
  const { taskId, contractId } = bench.spec;
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await until(() => existsSync(join(bench.repository.root, "running")), "the agent runs");
  const others = { contractId: "another", taskIds: ["another"] };
  assert.deepEqual(await runs.stop(others, "over", new AbortController().signal), []);
  assert.equal(await runs.atRest(taskId, async () => "at rest"), null);
  const closing = new AbortController();
  const ends: string[] = [];
  using _listening = runs.whenEnded((task) => ends.push(task));
  const stopped = runs.stop({ contractId, taskIds: [] }, "over", closing.signal);
  closing.abort(new Error("closing"));
  await assert.rejects(stopped, /closing/);
  assert.deepEqual(await runs.stop({ contractId: "", taskIds: [taskId] }, "over", new AbortController().signal), [
    taskId,
  ]);
  assert.deepEqual([(await bench.finished()).reason, runs.isAtWork(taskId), ends], ["over", false, [taskId]]);
  assert.equal(await runs.atRest(taskId, async () => "at rest"), "at rest");
});

test("the runs of a task begin when nobody else has it in hand", async () => {
  await using bench = await openBench({ agent: DONE });
  await using runs = await openRuns(bench);
  const held = await runs.hold(bench.spec.taskId);
  const begun = runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await using other = await openBench({ agent: DONE });
  await using others = await openRuns(other);
  await others.execute({ kind: "SpawnTask", spec: other.spec, startAt: null, messages: [] });
  assert.equal(existsSync(bench.path), false);
  held[Symbol.dispose]();
  assert.equal(await begun, null);
  assert.ok(runs.isAtWork(bench.spec.taskId));
  connect(runs);
  await until(() => runs.undelivered().length === 0, "the run is delivered");
});

test("the runs of a daemon are let go of by a daemon that closes, and carried on with by the next", async () => {
  await using bench = await openBench({ agent: `echo $$ >>"$bench/pids"; ${WAITING}` });
  {
    await using runs = await openRuns(bench);
    connect(runs);
    await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
    await until(() => existsSync(join(bench.repository.root, "running")), "the agent runs");
  }
  const pid = Number(readFileSync(join(bench.repository.root, "pids"), "utf8"));
  assert.equal(process.kill(pid, 0), true);
  await using runs = await openRuns(bench);
  writeFileSync(join(bench.repository.root, "go"), "");
  connect(runs);
  await until(() => runs.undelivered().length === 0, "the run is delivered");
  assert.equal((await bench.finished()).outcome, "completed");
  assert.equal(readFileSync(join(bench.repository.root, "pids"), "utf8"), `${pid}\n`);
});

test("the runs of a daemon whose directory cannot be read are left alone, and hold up no other", async () => {
  await using bench = await openBench({ agent: DONE });
  const root = dirname(bench.path);
  await mkdir(join(root, "newer"));
  writeFileSync(join(root, "newer", "spec.json"), '{"version":2}');
  const broken = await RunDirectory.create(root, { ...bench.spec, runId: "broken" });
  writeFileSync(join(broken.path, "events"), "garbage\n");
  await RunDirectory.create(root, bench.spec);
  await using runs = await openRuns(bench);
  connect(runs);
  await until(() => runs.undelivered().length === 0, "the run is delivered");
  assert.equal((await bench.finished()).outcome, "completed");
  assert.equal(readFileSync(join(broken.path, "events"), "utf8"), "garbage\n");
});

test("the runs of a daemon are forgotten a day after they were delivered", async () => {
  await using bench = await openBench({ agent: DONE });
  const root = dirname(bench.path);
  const old = await RunDirectory.create(root, { ...bench.spec, runId: "old" });
  const recent = await RunDirectory.create(root, { ...bench.spec, runId: "recent" });
  const now = Date.now();
  for (const [{ path, directory }, age] of [
    [{ path: old.path, directory: old }, 1.1 * DAY],
    [{ path: recent.path, directory: recent }, 0.9 * DAY],
  ] as const) {
    await directory.markDelivered({});
    utimesSync(join(path, "acks.json"), now / 1000, (now - age) / 1000);
  }
  let later = 0;
  bench.services.clock = { ...systemClock, now: () => Date.now() + later };
  await using runs = await openRuns(bench);
  await until(() => !existsSync(old.path), "the old one is removed");
  assert.ok(existsSync(recent.path));
  later = 0.2 * DAY;
  connect(runs);
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await until(() => !existsSync(recent.path), "the next delivery removes the other");
  assert.ok(existsSync(bench.path));
});

async function openRuns(bench: Bench): Promise<Runs> {
  return Runs.open(dirname(bench.path), bench.services);
}

/** A server that commits everything at once. */
function connect(runs: Runs): { sizes: Map<string, number>; frames: number } {
  const server = { sizes: new Map<string, number>(), frames: 0 };
  const send = (frame: Uint8Array): void => {
    const { header, data } = decodeAppend(frame);
    const size = server.sizes.get(header.stream) ?? 0;
    assert.ok(header.offset <= size, "a gap");
    server.frames += 1;
    server.sizes.set(header.stream, Math.max(size, header.offset + data.length));
    setImmediate(() => runs.acknowledge(header.run, header.stream, server.sizes.get(header.stream) ?? 0));
  };
  runs.connect(send, {});
  return server;
}
