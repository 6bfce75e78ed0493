import assert from "node:assert/strict";
import { test } from "node:test";
import { LINK_VERSION } from "../../protocol/link.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { contract, finished, started } from "../testing/data.ts";
import { call, launch, temporaryHome, temporaryServer, until } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";

const OUT = "iterations/0001/out";
const tasksOf = async (server: Parameters<typeof call>[0]) => (await call(server, "listTasks", {})).tasks;

test("from the contract to the completed task: spawn, appends, acknowledgements, end", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { task } = await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  const { commandId, spec } = await daemon.spawned();
  assert.deepEqual([spec.taskId, spec.fence, spec.goal, spec.checks], [task.id, 1, contract.goal, contract.checks]);
  assert.equal(spec.resume, null);
  daemon.tell({ type: "commandDone", id: commandId, error: null, result: null });

  const { runId: run, fence } = spec;
  const events = encodeEvent(started) + encodeEvent(finished());
  daemon.append({ run, fence, stream: OUT, offset: 0 }, "output");
  daemon.append({ run, fence, stream: OUT, offset: 3 }, "put and more");
  daemon.append({ run, fence, stream: OUT, offset: 1_000 }, "behind a gap");
  daemon.append({ run, fence, stream: EVENTS, offset: 0 }, events);
  await until(() => daemon.acked(run, EVENTS) === events.length);
  assert.equal(daemon.acked(run, OUT), "output and more".length);
  assert.equal((await call(server, "getTask", { id: task.id })).task.status, "completed");
  const { streams } = await call(server, "listStreams", { id: run });
  assert.deepEqual(streams, [
    { stream: EVENTS, size: events.length },
    { stream: OUT, size: 15 },
  ]);
});

test("the welcome says where each run stands, and which are lost", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await call(server, "createContract", contract);
  let run = "";
  {
    await using daemon = await FakeDaemon.connect(server);
    const { spec } = await daemon.spawned();
    run = spec.runId;
    daemon.append({ run, fence: 1, stream: OUT, offset: 0 }, "output");
    await until(() => daemon.acked(run, OUT) === 6);
  }
  await until(async () => (await tasksOf(server)).every(({ unreachable }) => unreachable));
  const runs = [
    { runId: run, fence: 1 },
    { runId: "forgotten", fence: 3 },
  ];
  await using daemon = await FakeDaemon.connect(server, { runs });
  assert.deepEqual(daemon.of("welcome")[0]?.acked, { [run]: { [OUT]: 6 } });
  assert.deepEqual(daemon.of("fenced"), [{ type: "fenced", run: "forgotten" }]);
  assert.deepEqual(
    (await tasksOf(server)).map(({ unreachable }) => unreachable),
    [false],
  );
});

test("commands come in order, and again over every connection and server until they are done", async () => {
  await using home = await temporaryHome();
  let server = await launch(home.path);
  const { task } = await call(server, "createContract", contract);
  const runs: { runId: string; fence: number }[] = [];
  {
    await using daemon = await FakeDaemon.connect(server);
    await daemon.spawned();
    await call(server, "stopTask", { id: task.id });
    await until(() => daemon.interrupts.length === 1);
    assert.deepEqual(
      daemon.of("command").map(({ command }) => command.kind),
      ["SpawnTask", "InterruptTask"],
    );
  }
  await server.close();
  server = await launch(home.path);
  {
    await using daemon = await FakeDaemon.connect(server);
    const { commandId, spec } = await daemon.spawned();
    runs.push({ runId: spec.runId, fence: spec.fence });
    await until(() => daemon.interrupts.length === 1);
    daemon.tell({ type: "commandDone", id: commandId, error: null, result: null });
    await call(server, "stopTask", { id: task.id });
    daemon.tell({ type: "heartbeat", at: 0 });
    assert.equal(daemon.of("command").length, 2);
  }
  await using daemon = await FakeDaemon.connect(server, { runs });
  await until(() => daemon.interrupts.length === 1);
  assert.deepEqual(daemon.spawns, []);
  await server.close();
});

test("a task that cannot be spawned has failed, and makes room for the next", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const first = await call(server, "createContract", contract);
  await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server, { maxTasks: 1 });
  const { commandId, spec } = await daemon.spawned();
  assert.equal(spec.taskId, first.task.id);
  const error = { code: "repository_invalid", message: "no such repository", hint: "make one" };
  daemon.tell({ type: "commandDone", id: commandId, error, result: null });
  await daemon.spawned(2);
  const { task, errorCode, hint } = await call(server, "getTask", { id: first.task.id });
  assert.deepEqual([task.status, task.reason], ["failed", error.message]);
  assert.deepEqual([errorCode, hint], [error.code, error.hint]);
});

test("a second daemon with the same identity is refused while the first is there", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  {
    await using _ = await FakeDaemon.connect(server, { host: "first" });
    await using second = await FakeDaemon.connect(server, { host: "second", instance: "i2" });
    assert.match(second.of("refused")[0]?.message ?? "", /first.*second/);
    assert.equal(await second.closed, 1008);
  }
  await until(async () => (await call(server, "listDaemons", {})).daemons.every(({ online }) => !online));
  await using third = await FakeDaemon.connect(server, { host: "third", instance: "i3" });
  assert.equal(third.of("welcome").length, 1);
});

test("a daemon of another version is told which one the server speaks", async () => {
  await using running = await temporaryServer();
  await using newer = await FakeDaemon.connect(running.server, { version: 99 });
  assert.match(newer.of("refused")[0]?.message ?? "", new RegExp(`${LINK_VERSION} .* 99`));
});

test("a flood is taken no faster than it is stored, and arrives whole", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  const { spec } = await daemon.spawned();
  const piece = Buffer.alloc(256 * 1024, "0123456789\n");
  const before = process.memoryUsage().rss;
  // Without regard for acknowledgements: 64 MiB at once, eight times what the server lets wait.
  for (let index = 0; index < 256; index += 1) {
    daemon.append({ run: spec.runId, fence: 1, stream: OUT, offset: index * piece.length }, piece);
  }
  await until(() => daemon.acked(spec.runId, OUT) === 256 * piece.length);
  assert.ok(process.memoryUsage().rss - before < 300 * 1024 * 1024);
});
