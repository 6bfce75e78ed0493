import assert from "node:assert/strict";
import { test } from "node:test";
import { LINK_VERSION } from "../../protocol/link.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import { contract, finished, iterationStarted, started } from "../testing/data.ts";
import { call, temporaryServer, until } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";
import type { Where } from "../testing/peers.ts";

const OUT = "iterations/0001/out";

const INVALID_TEXT = 1007;
const POLICY_VIOLATION = 1008;
const TOO_LARGE = 1009;

type Attempt = (daemon: FakeDaemon) => void;

const append = { run: "r", fence: 1, stream: OUT, offset: 0 };
const who = { daemonId: "d2", instance: "i", name: "n", host: "h" };
const hello = { type: "hello", version: LINK_VERSION, ...who, maxTasks: 1, worktrees: [], runs: [] };

/** A binary frame with this header, whatever it is, and maybe a lie about its length. */
function frame(header: string | Buffer, length = Buffer.byteLength(header)): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return Buffer.concat([prefix, Buffer.from(header), Buffer.from("data")]);
}

function sendText(text: string): Attempt {
  return ({ socket }) => socket.send(text);
}

function sendHeader(fields: Readonly<Record<string, unknown>>): Attempt {
  return ({ socket }) => socket.send(frame(JSON.stringify({ ...append, ...fields })));
}

/** Anything of this ends a connection, whether or not it has said hello. */
const MALFORMED: Readonly<Record<string, Attempt>> = {
  "half a document": sendText("{"),
  "no object": sendText("null"),
  "an unknown type": sendText('{"type":"goodbye"}'),
  "an unknown field": sendText('{"type":"heartbeat","at":1,"also":2}'),
  "a prototype": sendText('{"__proto__":{"polluted":true},"type":"heartbeat","at":1}'),
  "a field of a wrong type": sendText('{"type":"commandDone","id":7,"error":null}'),
  "text that is not UTF-8": ({ socket }) => socket.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { binary: false }),
  "a frame of 2 MiB": ({ socket }) => socket.send(Buffer.alloc(2 * 1024 * 1024)),
  "a frame without room for a length": ({ socket }) => socket.send(Buffer.alloc(3)),
  "a header that is longer than its frame": ({ socket }) => socket.send(frame("{}", 2 ** 32 - 1)),
  "a header that ends too soon": ({ socket }) => socket.send(frame(JSON.stringify(append), 10)),
  "a header that is no JSON": ({ socket }) => socket.send(frame("{]")),
  "a header that is not UTF-8": ({ socket }) => socket.send(frame(Buffer.from([0x22, 0xff, 0x22]))),
  "a header with an unknown field": sendHeader({ path: "/etc/passwd" }),
  "a negative offset": sendHeader({ offset: -1 }),
  "half an offset": sendHeader({ offset: 0.5 }),
  "an offset beyond all integers": sendHeader({ offset: 2 ** 53 }),
  "a fence of none": sendHeader({ fence: 0 }),
  "a path for a stream": sendHeader({ stream: "../../etc/passwd" }),
  "a stream of no kind": sendHeader({ stream: "iterations/1/out" }),
  "more data than a frame may carry": (daemon) => daemon.append(append, Buffer.alloc(MAX_FRAME_DATA + 1)),
};

const BEFORE_HELLO: Readonly<Record<string, Attempt>> = {
  "a heartbeat": (daemon) => daemon.tell({ type: "heartbeat", at: 0 }),
  "a report": (daemon) => daemon.tell({ type: "commandDone", id: "c", error: null, result: null }),
  "an append": (daemon) => daemon.append(append, "x"),
  "an unknown version": (daemon) => daemon.hello({ daemonId: "d2", version: 99 }),
  "a hello without labels": sendText(JSON.stringify(hello)),
  "checkouts that are none": sendText(JSON.stringify({ ...hello, labels: {}, worktrees: [7] })),
  "a label that is none": sendText(JSON.stringify({ ...hello, labels: { "a b": "c" } })),
  "a prototype among the runs": sendText(`${JSON.stringify({ ...hello, labels: {} }).slice(0, -2)}{"__proto__":{}}]}`),
};

test("what is malformed, or comes before the hello, ends its own connection and leaves nothing behind", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using well = await WellBehaved.start(server);
  for (const [what, attempt] of Object.entries({ ...MALFORMED, ...BEFORE_HELLO })) {
    await using daemon = new FakeDaemon(server);
    await daemon.opened();
    attempt(daemon);
    assert.ok([INVALID_TEXT, POLICY_VIOLATION, TOO_LARGE].includes(await daemon.closed), what);
    await well.goesOn();
  }
  const { daemons } = await call(server, "listDaemons", {});
  assert.deepEqual(
    daemons.map(({ id }) => id),
    ["d1"],
  );
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

test("the same over a connection that has said hello, and a second hello: its daemon is offline, that is all", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using well = await WellBehaved.start(server);
  const again = (daemon: FakeDaemon) => daemon.hello({ daemonId: "d2", instance: "other" });
  for (const [what, attempt] of Object.entries({ ...MALFORMED, "a second hello": again })) {
    await using daemon = await FakeDaemon.connect(server, { daemonId: "d2", maxTasks: 1 });
    attempt(daemon);
    assert.ok([INVALID_TEXT, POLICY_VIOLATION, TOO_LARGE].includes(await daemon.closed), what);
    await until(async () => !(await isOnline(server, "d2")));
    await well.goesOn();
  }
  assert.equal(await isOnline(server, "d1"), true);
});

test("appends that do not fit are answered with where to go on, or with a fence, and change nothing", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using well = await WellBehaved.start(server);
  const { run } = well;
  const before = await call(server, "listStreams", { id: run });
  await using other = await FakeDaemon.connect(server, { daemonId: "d2" });
  for (const claim of [
    { run, fence: 1 },
    { run: "__proto__", fence: 1 },
    { run: "no such\0run", fence: 7 },
  ]) {
    other.append({ ...claim, stream: OUT, offset: 0 }, "forged");
    await until(() => other.of("fenced").some((fenced) => fenced.run === claim.run));
  }
  const acks = () => well.daemon.of("ack").filter(({ stream }) => stream === OUT);
  const { length } = acks();
  well.daemon.append({ run, fence: 2, stream: OUT, offset: 0 }, "from the future");
  await until(() => well.daemon.of("fenced").length === 1);
  for (const offset of [Number.MAX_SAFE_INTEGER, 1_000, 0])
    well.daemon.append({ run, fence: 1, stream: OUT, offset }, "w");
  await until(() => acks().length > length);
  assert.ok(acks().every(({ offset }) => offset <= 1));
  assert.deepEqual(await call(server, "listStreams", { id: run }), before);
  await well.goesOn();
});

test("a report is taken once, from the daemon that was told, and no run ends twice", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using well = await WellBehaved.start(server);
  const { commandId, spec } = await well.daemon.spawned();
  const error = { code: "repository_invalid", message: "no such repository", hint: "" };
  await using other = await FakeDaemon.connect(server, { daemonId: "d2" });
  const task = async () => (await call(server, "getTask", { id: spec.taskId })).task;
  other.tell({ type: "commandDone", id: commandId, error, result: null });
  other.tell({ type: "commandDone", id: "__proto__", error, result: null });
  other.append({ run: "nobody's", fence: 1, stream: OUT, offset: 0 }, "to know that the server has got that far");
  await until(() => other.of("fenced").length === 1);
  assert.equal((await task()).status, "running");

  well.daemon.tell({ type: "commandDone", id: commandId, error: null, result: null });
  well.daemon.tell({ type: "commandDone", id: commandId, error, result: null });
  const events = encodeEvent(finished({ reason: "first" })) + encodeEvent(finished({ outcome: "failed" }));
  well.say(events);
  await until(async () => (await task()).status !== "running");
  assert.deepEqual([(await task()).status, (await task()).reason], ["completed", "first"]);
  well.say(encodeEvent(started) + encodeEvent(finished({ outcome: "cancelled" })));
  await well.goesOn();
  assert.equal((await task()).status, "completed");
});

test("a flood of what weighs nothing is held back like any other, and starves nobody", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using well = await WellBehaved.start(server);
  await using other = await FakeDaemon.connect(server, { daemonId: "d2" });
  const count = 20_000;
  for (let index = 0; index < count; index += 1) other.append({ ...append, run: `r${index}` }, "");
  for (let index = 0; index < 200; index += 1)
    other.tell({ type: "commandDone", id: `c${index}`, error: null, result: null });
  well.say(encodeEvent(iterationStarted(1)));
  await well.goesOn();
  await until(() => other.of("fenced").length === count);
});

async function isOnline(server: Where, id: string): Promise<boolean> {
  return (await call(server, "listDaemons", {})).daemons.some((daemon) => daemon.id === id && daemon.online);
}

/** A daemon with a run, whose work must go on whatever the others do. */
class WellBehaved implements AsyncDisposable {
  readonly daemon: FakeDaemon;
  readonly run: string;
  #said = 0;

  private constructor(daemon: FakeDaemon, run: string) {
    this.daemon = daemon;
    this.run = run;
  }

  static async start(server: Where): Promise<WellBehaved> {
    await call(server, "createContract", contract);
    const daemon = await FakeDaemon.connect(server);
    const { spec } = await daemon.spawned();
    const well = new WellBehaved(daemon, spec.runId);
    daemon.append({ run: spec.runId, fence: 1, stream: OUT, offset: 0 }, "w");
    well.say(encodeEvent(started));
    await well.goesOn();
    return well;
  }

  say(events: string): void {
    this.daemon.append({ run: this.run, fence: 1, stream: EVENTS, offset: this.#said }, events);
    this.#said += events.length;
  }

  /** Everything that it has said is acknowledged, over the same connection. */
  async goesOn(): Promise<void> {
    assert.equal(this.daemon.socket.readyState, this.daemon.socket.OPEN);
    await until(() => this.daemon.acked(this.run, EVENTS) === this.#said);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

test("a daemon's key does not get it the identity of another machine's, until that one's key is revoked", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { key, token } = await call(server, "createKey", { kind: "daemon", name: "gpu-box" });
  const gpuBox = { ...server, daemonKey: token };
  {
    await using own = await FakeDaemon.connect(gpuBox, { daemonId: "d7" });
    assert.equal(own.of("welcome").length, 1);
  }
  await call(server, "createContract", contract);
  await using stranger = await FakeDaemon.connect(server, { daemonId: "d7", instance: "i2" });
  assert.equal(await stranger.closed, POLICY_VIOLATION);
  const [refused] = stranger.of("refused");
  assert.match(
    refused?.message ?? "",
    new RegExp(`^The identity d7 belongs to another key: .*${key.id.slice(-8)}\\)$`),
  );
  assert.deepEqual(stranger.spawns, []);

  await call(server, "revokeKey", { id: key.id });
  await using successor = await FakeDaemon.connect(server, { daemonId: "d7", instance: "i2" });
  await successor.spawned(1);
});
