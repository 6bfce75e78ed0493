import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import type { RunningServer } from "../server.ts";
import { askRoute } from "../testing/ask.ts";
import { contract, finished, started } from "../testing/data.ts";
import { postgresDatabase } from "../testing/engines.ts";
import { call, launch, temporaryHome, temporaryServer, until } from "../testing/harness.ts";
import { mergeResult } from "../testing/operations.ts";
import { FakeDaemon } from "../testing/peers.ts";
import type { Where } from "../testing/peers.ts";

const ERROR = { code: "not_found", message: "no such file", hint: "" };

/** The daemon's task is done: what it said is acknowledged. */
async function finish(daemon: FakeDaemon): Promise<string> {
  const { spec } = await daemon.spawned();
  const said = encodeEvent(started) + encodeEvent(finished({ outcome: "failed" }));
  daemon.append({ run: spec.runId, fence: spec.fence, stream: EVENTS, offset: 0 }, said);
  await until(() => daemon.acked(spec.runId, EVENTS) === said.length);
  return spec.taskId;
}

async function ended(server: Where, id: string): Promise<string> {
  const operation = async () => (await call(server, "getOperation", { id })).operation;
  await until(async () => (await operation()).endedAt !== null);
  return (await operation()).status;
}

async function changes(server: Where): Promise<number> {
  return (await call(server, "listChanges", {})).latest;
}

test("who asks gets a cursor, and finds the end of the operation behind it", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { task } = await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  await daemon.spawned();
  const { operation, cursor } = await call(server, "startOperation", { kind: "GetDiff", task: task.id, stat: true });
  const { commandId } = await daemon.ordered("GetDiff");
  const result = { base: "a", head: "b", files: [], insertions: 0, deletions: 0, diff: null, truncated: false };
  daemon.answer(commandId, result);
  assert.equal(await ended(server, operation.id), "done");
  const { operation: done } = await call(server, "getOperation", { id: operation.id.slice(-8) });
  assert.deepEqual([done.result, done.error], [result, null]);
  const feed = await call(server, "listChanges", { from: cursor });
  const own = feed.changes.filter(({ id }) => id === operation.id).map(({ data }) => data["status"]);
  assert.deepEqual(own, ["queued", "running", "done"]);
  assert.equal((await call(server, "listOperations", { contract: task.contractId })).operations.length, 1);
});

test("an order comes again until it is answered, and an answer that comes again changes nothing", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await call(server, "createContract", contract);
  let task = "";
  {
    await using daemon = await FakeDaemon.connect(server);
    task = await finish(daemon);
    await call(server, "startOperation", { kind: "MergeBranch", task });
    await daemon.ordered("MergeBranch");
  }
  await using daemon = await FakeDaemon.connect(server);
  const { commandId, order } = await daemon.ordered("MergeBranch");
  const merged = async () => (await call(server, "getTask", { id: task })).task.merge;
  await using other = await FakeDaemon.connect(server, { daemonId: "d2", instance: "i2" });
  other.answer(commandId, mergeResult(order, { outcome: "conflict" }));
  other.append({ run: "nobody's", fence: 1, stream: EVENTS, offset: 0 }, "to know that the server has got that far");
  await until(() => other.of("fenced").length === 1);
  assert.equal(await merged(), null);

  daemon.answer(commandId, mergeResult(order));
  await until(async () => (await merged()) === "merged");
  const before = await changes(server);
  daemon.answer(commandId, mergeResult(order));
  daemon.tell({ type: "commandDone", id: commandId, error: ERROR, result: null });
  daemon.append({ run: "nobody's", fence: 1, stream: EVENTS, offset: 0 }, "to know that the server has got that far");
  await until(() => daemon.of("fenced").length === 1);
  assert.deepEqual([await merged(), await changes(server)], ["merged", before]);
});

test("what a daemon reports that is no result of the operation fails it, and harms nothing else", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  const task = await finish(daemon);
  const forged: Record<string, unknown> = JSON.parse('{"__proto__":{"polluted":true},"path":"a"}');
  const file = { path: "a", content: "", size: 0, truncated: false };
  const results = [
    null,
    {},
    forged,
    { ...file, size: "0" },
    { ...file, also: 1 },
    { ...file, content: ["x".repeat(9)] },
  ];
  for (const [index, result] of results.entries()) {
    const { operation } = await call(server, "startOperation", { kind: "ReadFile", task, path: "a" });
    const { commandId } = await daemon.ordered("ReadFile", index + 1);
    daemon.tell({ type: "commandDone", id: commandId, error: null, result });
    assert.equal(await ended(server, operation.id), "failed");
    assert.equal((await call(server, "getOperation", { id: operation.id })).operation.error?.code, "internal");
  }
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);

  const { operation } = await call(server, "startOperation", { kind: "CreateCheckpoint", task, message: "now" });
  const { commandId } = await daemon.ordered("CreateCheckpoint");
  daemon.answer(commandId, { name: "0.1", ref: "refs/\0", commit: "a" });
  assert.equal(await ended(server, operation.id), "failed");
  assert.deepEqual(await call(server, "listCheckpoints", { id: task }), { checkpoints: [] });
  assert.equal(daemon.socket.readyState, daemon.socket.OPEN);
});

test("an error as long as a frame, with what no text should hold, is cut and kept", async () => {
  await using database = await postgresDatabase();
  await using home = await temporaryHome();
  await using server = await launch(home.path, { database: database.source });
  await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  const task = await finish(daemon);
  const { operation } = await call(server, "startOperation", { kind: "MergeBranch", task });
  const { commandId } = await daemon.ordered("MergeBranch");
  const error = { code: "no\0such", message: `a\0b\ud800${"x".repeat(200_000)}`, hint: "\udfff" };
  daemon.tell({ type: "commandDone", id: commandId, error, result: null });
  assert.equal(await ended(server, operation.id), "failed");
  const told = (await call(server, "getOperation", { id: operation.id })).operation.error;
  assert.equal(told?.code, "no\0such");
  assert.match(told.message, /^a\0b\ufffdx{3000,4000}$/);
});

test("a daemon that is away takes no orders, and gets those before on whichever server it comes back", async () => {
  await using database = await postgresDatabase();
  await using homes = new AsyncDisposableStack();
  const start = async (): Promise<RunningServer> => {
    const home = homes.use(await temporaryHome());
    return homes.use(await launch(home.path, { database: database.source }));
  };
  const [a, b] = [await start(), await start()];
  await call(a, "createContract", contract);
  let task = "";
  {
    await using daemon = await FakeDaemon.connect(a);
    task = await finish(daemon);
    for (const server of [b, a]) await call(server, "startOperation", { kind: "MergeBranch", task, into: "main" });
    await daemon.ordered("MergeBranch");
  }
  const isAway = async () => (await call(b, "listDaemons", {})).daemons.every(({ online }) => !online);
  await until(isAway);
  const refused = await askRoute(b, "startOperation", b.userKey, { kind: "GetDiff", task });
  assert.deepEqual([refused.status, refused.error?.code], [503, "unavailable"]);
  await using daemon = await FakeDaemon.connect({ ...b, daemonKey: a.daemonKey });
  for (const count of [1, 2]) {
    const { commandId, order } = await daemon.ordered("MergeBranch", count);
    assert.equal(daemon.orders.length, count);
    daemon.answer(commandId, mergeResult(order));
  }
  await until(async () => {
    const { operations } = await call(a, "listOperations", {});
    return operations.every(({ status }) => status === "done");
  });
});
