import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { openLinkServer } from "../../../test/support/link-server.ts";
import type { Peer } from "../../../test/support/link-server.ts";
import { runSpec, silent } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import { systemClock } from "../../platform/clock.ts";
import { createLogger } from "../../platform/log.ts";
import { encodeAppend, LINK_VERSION } from "../../protocol/link.ts";
import type { Command, CommandError } from "../../protocol/link.ts";
import { LINK_PATH } from "../../protocol/routes.ts";
import { Link } from "./link.ts";
import type { LinkOptions, Send } from "./link.ts";

const spawnTask: Command = { kind: "SpawnTask", spec: runSpec(), startAt: null, messages: [] };
const interruptTask: Command = { kind: "InterruptTask", runId: "r", reason: "enough" };
const listBranches: Command = { kind: "ListBranches", repository: "/nowhere", prefix: "makima/" };

test("the link of a daemon opens with its key, says hello, and is told where its runs stand", async () => {
  await using bench = await openBench();
  const { peer, request } = await bench.server.connection();
  assert.equal(request.url, LINK_PATH);
  assert.equal(request.headers.authorization, "Bearer mk_daemon_test");
  assert.deepEqual(await peer.heard(), { type: "hello", version: LINK_VERSION, ...HELLO });
  peer.say({ type: "welcome", version: LINK_VERSION, acked: { r: { events: 7 } }, orphans: ["u"] });
  await until(() => bench.connections.length === 1, "the welcome arrives");
  const [connection] = bench.connections;
  assert.deepEqual([connection?.acked, connection?.orphans], [{ r: { events: 7 } }, ["u"]]);
});

test("the link of a daemon carries frames one way, and what they are answered the other", async () => {
  await using bench = await openBench();
  const peer = await bench.welcomed();
  const header = { run: "r", fence: 1, stream: "events", offset: 0 };
  bench.connections[0]?.send(encodeAppend(header, Buffer.from("x")));
  assert.deepEqual(await peer.heardAppend(), header);
  peer.say({ type: "ack", run: "r", stream: "events", offset: 1 });
  peer.say({ type: "fenced", run: "r" });
  await until(() => bench.calls.length === 2, "both arrive");
  assert.deepEqual(bench.calls, ["acknowledged r events 1", "fenced r"]);
});

test("the link of a daemon answers commands, one after the other in the order of the server", async () => {
  const first = Promise.withResolvers<CommandError | null>();
  const began: string[] = [];
  await using bench = await openBench({
    command: async (id) => {
      began.push(id);
      return id === "1" ? first.promise : null;
    },
  });
  const peer = await bench.welcomed();
  peer.say({ type: "command", id: "1", command: spawnTask });
  peer.say({ type: "command", id: "2", command: interruptTask });
  await until(() => began.length > 0, "the first begins");
  const error = { code: "repository_invalid", message: "no such repository", hint: "Name another." };
  first.resolve(error);
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "1", error, result: null });
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "2", error: null, result: null });
  assert.deepEqual(began, ["1", "2"]);
});

test("the link of a daemon reports an error without the secrets in its words", async () => {
  const address = "https://me:opensesame@git.example/it";
  const error = { code: "git_failed", message: `cannot read ${address}`, hint: `Look at ${address}.` };
  await using bench = await openBench({ command: async () => error });
  const peer = await bench.welcomed();
  peer.say({ type: "command", id: "1", command: interruptTask });
  const shown = "https://me:***@git.example/it";
  const told = { code: "git_failed", message: `cannot read ${shown}`, hint: `Look at ${shown}.` };
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "1", error: told, result: null });
});

test("the link of a daemon does not answer a command that could not be recorded, and goes on", async () => {
  await using bench = await openBench({
    command: async (id) => {
      if (id === "1") throw new Error("disk full");
      return null;
    },
  });
  const peer = await bench.welcomed();
  peer.say({ type: "command", id: "1", command: interruptTask });
  peer.say({ type: "command", id: "2", command: interruptTask });
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "2", error: null, result: null });
});

test("the link of a daemon does not answer over another connection than the one that asked", async () => {
  const work = Promise.withResolvers<null>();
  const began = Promise.withResolvers<void>();
  await using bench = await openBench({
    command: async (id) => {
      began.resolve();
      return id === "1" ? work.promise : null;
    },
  });
  const before = await bench.welcomed();
  before.say({ type: "command", id: "1", command: interruptTask });
  await began.promise;
  before.socket.terminate();
  const after = await bench.server.connection();
  work.resolve(null);
  assert.equal((await after.peer.heard()).type, "hello");
  after.peer.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans: [] });
  after.peer.say({ type: "command", id: "2", command: interruptTask });
  assert.deepEqual(await after.peer.heard(), { type: "commandDone", id: "2", error: null, result: null });
});

test("the link of a daemon carries operations out beside the commands, and answers each when it is done", async () => {
  const [command, slow] = [Promise.withResolvers<null>(), Promise.withResolvers<void>()];
  const began: string[] = [];
  await using bench = await openBench({
    command: async () => command.promise,
    operation: async (id, order) => {
      began.push(id);
      if (id === "slow") await slow.promise;
      return { error: null, result: { kind: order.kind } };
    },
  });
  const peer = await bench.welcomed();
  peer.say({ type: "command", id: "1", command: interruptTask });
  const result = { kind: "ListBranches" };
  for (const id of ["slow", "quick"]) peer.say({ type: "command", id, command: listBranches });
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "quick", error: null, result });
  slow.resolve();
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "slow", error: null, result });
  command.resolve(null);
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "1", error: null, result: null });
  assert.deepEqual(began, ["slow", "quick"]);
});

test("the link of a daemon answers an operation over the connection that asks for it again", async () => {
  const work = Promise.withResolvers<{ error: null; result: null }>();
  let asked = 0;
  await using bench = await openBench({
    operation: async () => {
      asked += 1;
      return work.promise;
    },
  });
  const before = await bench.welcomed();
  before.say({ type: "command", id: "1", command: listBranches });
  await until(() => asked === 1, "it begins");
  before.socket.terminate();
  const after = await bench.welcomed();
  after.say({ type: "command", id: "1", command: listBranches });
  await until(() => asked === 2, "it is asked for again");
  work.resolve({ error: null, result: null });
  assert.deepEqual(await after.heard(), { type: "commandDone", id: "1", error: null, result: null });
});

test("the link of a daemon does not answer an operation that could not be recorded, and does not wait for one at its end", async () => {
  await using bench = await openBench({
    operation: async (id) => {
      if (id === "1") throw new Error("disk full");
      return id === "2" ? new Promise(() => undefined) : { error: null, result: null };
    },
  });
  const peer = await bench.welcomed();
  for (const id of ["1", "2", "3"]) peer.say({ type: "command", id, command: listBranches });
  assert.deepEqual(await peer.heard(), { type: "commandDone", id: "3", error: null, result: null });
});

test("the link of a daemon gives signs of life, once it is welcome", async () => {
  const worktrees = { bytes: 7, quota: null };
  await using bench = await openBench({ heartbeat: () => ({ worktrees }) });
  const peer = await bench.welcomed();
  const beat = await peer.heard();
  assert.equal(beat.type, "heartbeat");
  assert.deepEqual(beat.worktrees, worktrees);
  assert.ok(Math.abs(Date.now() - beat.at) < 60_000);
});

test("the link of a daemon connects again when the server breaks off, and drops what is sent in between", async () => {
  await using bench = await openBench();
  const { socket } = await bench.welcomed();
  socket.terminate();
  await until(() => bench.calls.includes("disconnected"), "the break is noticed");
  bench.connections[0]?.send(Buffer.from("lost"));
  const peer = await bench.welcomed();
  assert.equal(bench.connections.length, 2);
  bench.connections[0]?.send(Buffer.from("lost, too"));
  const header = { run: "r", fence: 1, stream: "events", offset: 0 };
  bench.connections[1]?.send(encodeAppend(header, Buffer.from("x")));
  assert.deepEqual(await peer.heardAppend(), header);
});

test("the link of a daemon tries less and less often where it is not welcome, but for ever", async () => {
  const pauses: number[] = [];
  const clock = {
    now: () => systemClock.now(),
    sleep: async (ms: number) => void pauses.push(ms),
  };
  await using bench = await openBench({ clock });
  for (let tries = 0; tries < 12; tries += 1) {
    const { peer } = await bench.server.connection();
    peer.socket.terminate();
  }
  await until(() => pauses.length >= 12, "it has paused after each");
  pauses.forEach((pause, index) => {
    const bound = Math.min(10_000, 100 * 2 ** (index + 1));
    assert.ok(pause >= 0 && pause <= bound, `pause ${index + 1} is ${pause} ms`);
  });
  await bench.welcomed();
});

test("the link of a daemon that is refused says so once for each reason, and is in no hurry to ask again", async () => {
  const pauses: number[] = [];
  const clock = { now: () => systemClock.now(), sleep: async (ms: number) => void pauses.push(ms) };
  const lines: string[] = [];
  const log = createLogger({ level: "error", format: "json", stream: { write: (line) => lines.push(line) } });
  await using bench = await openBench({ clock, log });
  const twins = "Two daemons have the identity d: one on host-a is connected, this one is on host-b";
  const refuse = async (message: string): Promise<void> => {
    const known = pauses.length;
    (await bench.server.connection()).peer.say({ type: "refused", message });
    await until(() => pauses.length > known, "it pauses");
  };
  await refuse(twins);
  await refuse(twins);
  await refuse("Another version");
  assert.deepEqual(pauses, [10_000, 10_000, 10_000]);
  (await bench.welcomed()).socket.terminate();
  await until(() => pauses.length === 4, "it pauses");
  await refuse("Another version");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { reason: string }).reason),
    [twins, "Another version", "Another version"],
  );
});

test("the link of a daemon takes a message that it does not know for the end of the connection, not its own", async () => {
  await using bench = await openBench();
  for (const nonsense of ["not JSON", '{"type":"unheard-of"}', '{"type":"ack","run":"r"}', "[]"]) {
    const { socket } = await bench.welcomed();
    socket.send(nonsense);
    await once(socket, "close");
  }
  const peer = await bench.welcomed();
  peer.socket.send(Buffer.from("a binary frame means nothing to a daemon"));
  peer.say({ type: "command", id: "1", command: interruptTask });
  assert.equal((await peer.heard()).type, "commandDone");
});

test("the link of a daemon tries again when the daemon cannot introduce itself", async () => {
  const failures = [new Error("the disk is on fire"), new Error("it still is")];
  await using bench = await openBench({
    hello: async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return HELLO;
    },
  });
  for (let broken = 0; broken < 2; broken += 1) await bench.server.connection();
  await bench.welcomed();
});

test("the link of a daemon tells a command when it closes, and waits for it", async () => {
  const begun = Promise.withResolvers<void>();
  let ended = false;
  await using bench = await openBench({
    command: async (_id, _command, closing) => {
      begun.resolve();
      await new Promise((resolve) => closing.addEventListener("abort", resolve));
      ended = true;
      return null;
    },
  });
  (await bench.welcomed()).say({ type: "command", id: "1", command: interruptTask });
  await begun.promise;
  await bench.close();
  assert.ok(ended);
});

test("the link of a daemon outlives a server that answers with something else than a WebSocket", async () => {
  await using bench = await openBench();
  const peer = await bench.welcomed();
  bench.server.refuse = true;
  peer.socket.terminate();
  await until(() => bench.server.refused > 2, "it tries again");
  bench.server.refuse = false;
  await bench.welcomed();
});

test("the link of a daemon ends with its owner, whether connected, connecting or waiting to", async () => {
  const connected = await openBench();
  await connected.welcomed();
  await connected[Symbol.asyncDispose]();
  const connecting = await openBench();
  await connecting[Symbol.asyncDispose]();
  const waiting = await openBench();
  waiting.server.refuse = true;
  await until(() => waiting.server.refused > 0, "it waits");
  await waiting[Symbol.asyncDispose]();
});

test("the link of a daemon wants a URL", async () => {
  await using bench = await openBench();
  assert.throws(() => new Link({ ...bench.options, serverUrl: "nowhere" }), TypeError);
});

const HELLO = {
  daemonId: "d",
  instance: "i",
  name: "box",
  host: "host",
  maxTasks: 4,
  labels: {},
  runs: [{ runId: "r", fence: 2 }],
  worktrees: ["t", "u"],
};

async function openBench(options: Partial<LinkOptions> = {}) {
  const server = await openLinkServer();
  const connections: { send: Send; acked: unknown; orphans: readonly string[] }[] = [];
  const calls: string[] = [];
  const all: LinkOptions = {
    serverUrl: server.url,
    key: "mk_daemon_test",
    clock: systemClock,
    log: silent,
    hello: async () => HELLO,
    heartbeat: () => ({}),
    connected: (send, { acked, orphans }) => connections.push({ send, acked, orphans }),
    disconnected: () => calls.push("disconnected"),
    acknowledged: (run, stream, offset) => calls.push(`acknowledged ${run} ${stream} ${offset}`),
    command: async () => null,
    operation: async () => ({ error: null, result: null }),
    fenced: (run) => calls.push(`fenced ${run}`),
    ...options,
  };
  const link = new Link(all);
  return {
    server,
    connections,
    calls,
    options: all,
    /** The next connection, past hello and welcome. */
    welcomed: async (): Promise<Peer> => {
      const { peer } = await server.connection();
      assert.equal((await peer.heard()).type, "hello");
      const known = connections.length;
      peer.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans: [] });
      await until(() => connections.length > known, "the welcome arrives");
      return peer;
    },
    close: () => link[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => {
      await link[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
