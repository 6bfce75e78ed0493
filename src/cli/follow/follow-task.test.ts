import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { Subscriber } from "../../client/subscriber.ts";
import type { Report, Task } from "../../protocol/api.ts";
import type { ViewerMessage } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC, encodeStreamData } from "../../protocol/topics.ts";
import { openSocket } from "../socket.ts";
import { makeTask } from "../tasks/testing.ts";
import { followTask } from "./follow-task.ts";
import { LiveStream } from "./live-stream.ts";

type Subscribe = Extract<ViewerMessage, { type: "subscribe" }>;

let server: WebSocketServer;
let subscriber: Subscriber;
/** The far end: each test says what becomes of a subscription. */
let onSubscribe: (socket: WebSocket, request: Subscribe) => void;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ViewerMessage;
      if (message.type === "subscribe") onSubscribe(socket, message);
    });
  });
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  subscriber = new Subscriber({ endpoint: async () => ({ url, key: "k" }), openSocket, giveUpAfter: 10_000 });
});

afterEach(async () => {
  await subscriber[Symbol.asyncDispose]();
  for (const socket of server.clients) socket.terminate();
  server.close();
  await once(server, "close");
});

function sendStates(socket: WebSocket, { id, from }: Subscribe, states: Task[]): void {
  const changes = states.map((data, index) => ({ seq: from + 1 + index, at: 0, kind: "task", id: data.id, data }));
  socket.send(JSON.stringify({ type: "changes", id, changes }));
}

/** A run's events, as far as they are beyond the wanted offset; a reader that does not follow is told their end. */
function sendEvents(socket: WebSocket, { id, from, follow }: Subscribe, text: string): void {
  const rest = Buffer.from(text).subarray(from);
  if (rest.length > 0) socket.send(encodeStreamData(id, from, rest));
  if (!follow) socket.send(JSON.stringify({ type: "end", id, cursor: text.length }));
}

/** What a task's runs bring, in the order in which it comes. */
function listen(skip: string | null = null) {
  const heard: string[] = [];
  const listener = {
    task: (task: Task) => void heard.push(`is ${task.status}`),
    read: (runId: string) => {
      if (runId === skip) return null;
      const onData = (data: Uint8Array) => void heard.push(`${runId}: ${Buffer.from(data).toString()}`);
      return new LiveStream(subscriber, { runId, stream: "events", from: 0, follow: true, onData });
    },
  };
  return { heard, listener };
}

const EVENTS: Record<string, string> = { "run/r1/events": "one", "run/r2/events": "two" };

test("a task is followed from run to run, each whole before the next, until it has ended", async () => {
  onSubscribe = (socket, request) => {
    if (request.topic !== CHANGES_TOPIC) return sendEvents(socket, request, EVENTS[request.topic] ?? "");
    assert.equal(request.from, 7);
    sendStates(socket, request, [
      makeTask("other", { runId: "r9" }),
      makeTask("t", { status: "pending", runId: "r1" }),
      makeTask("t", { runId: "r2" }),
      makeTask("t", { runId: "r2", status: "completed" }),
    ]);
  };
  const { heard, listener } = listen();
  const task = makeTask("t", { runId: "r1" });
  const last = await followTask(subscriber, { task, cursor: 7, signal: null }, listener);
  assert.equal(last?.status, "completed");
  const states = heard.filter((line) => line.startsWith("is "));
  assert.deepEqual(states, ["is running", "is pending", "is running", "is completed"]);
  assert.deepEqual(
    heard.filter((line) => !line.startsWith("is ")),
    ["r1: one", "r2: two"],
  );
});

function sendChanges(socket: WebSocket, { id, from }: Subscribe, changes: [kind: string, data: object][]): void {
  const numbered = changes.map(([kind, data], index) => {
    const thing = "id" in data ? data.id : "x";
    return { seq: from + 1 + index, at: 0, kind, id: thing, data };
  });
  socket.send(JSON.stringify({ type: "changes", id, changes: numbered }));
}

test("work that is to be merged is followed until its contract has ended, and back to its agent", async () => {
  const done = makeTask("t", { status: "completed" });
  onSubscribe = (socket, request) =>
    sendChanges(socket, request, [
      ["task", done],
      ["task", { ...done, merge: "queued" }],
      ["task", { ...done, status: "pending" }],
      ["contract", { id: "other", status: "completed" }],
      ["task", { ...done, merge: "merged" }],
      ["contract", { id: "c1", status: "completed" }],
      ["task", { ...done, name: "Too late" }],
    ]);
  const { heard, listener } = listen();
  const options = { task: makeTask("t"), cursor: 0, landing: { status: "active" }, signal: null } as const;
  const last = await followTask(subscriber, options, listener);
  assert.deepEqual([last?.merge, last?.name], ["merged", "Task t"]);
  assert.deepEqual(heard, ["is running", "is completed", "is completed", "is pending", "is completed"]);
});

test("work that people must see to is followed no further, and neither is what failed", async () => {
  for (const end of [{ status: "completed", merge: "conflict" }, { status: "failed" }] as const) {
    onSubscribe = (socket, request) => sendChanges(socket, request, [["task", makeTask("t", end)]]);
    const options = { task: makeTask("t"), cursor: 0, landing: { status: "active" }, signal: null } as const;
    assert.equal((await followTask(subscriber, options, listen().listener))?.status, end.status);
  }
});

test("reports of the task are heard, those of others are not", async () => {
  onSubscribe = (socket, request) =>
    sendChanges(socket, request, [
      ["report", { taskId: "other", text: "Mine" }],
      ["report", { taskId: "t", text: "Half way" }],
      ["task", makeTask("t", { status: "completed" })],
    ]);
  const { listener } = listen();
  const reports: string[] = [];
  const report = ({ text }: Report) => void reports.push(text);
  await followTask(subscriber, { task: makeTask("t"), cursor: 0, signal: null }, { ...listener, report });
  assert.deepEqual(reports, ["Half way"]);
});

test("a task that has ended is read to its end, without waiting for changes", async () => {
  onSubscribe = (socket, request) => {
    assert.notEqual(request.topic, CHANGES_TOPIC);
    sendEvents(socket, request, EVENTS[request.topic] ?? "");
  };
  const { heard, listener } = listen();
  const task = makeTask("t", { runId: "r1", status: "failed" });
  await followTask(subscriber, { task, cursor: 7, signal: null }, listener);
  assert.deepEqual(heard, ["is failed", "r1: one"]);
});

test("a run that has been told is left out, and one that cannot be read is a failure", async () => {
  onSubscribe = (socket, request) => {
    if (request.topic === CHANGES_TOPIC) return sendStates(socket, request, [makeTask("t", { runId: "r2" })]);
    const error = { code: "not_found", message: "There is no such run", hint: "Look." };
    socket.send(JSON.stringify({ type: "error", id: request.id, error }));
  };
  const { heard, listener } = listen("r1");
  const task = makeTask("t", { runId: "r1", status: "pending" });
  await assert.rejects(followTask(subscriber, { task, cursor: 7, signal: null }, listener), { code: "not_found" });
  assert.deepEqual(heard, ["is pending", "is running"]);
});

test("whoever stops following gets no end", async () => {
  const stop = new AbortController();
  onSubscribe = (_, request) => {
    if (request.topic === CHANGES_TOPIC) stop.abort();
  };
  const { listener } = listen();
  const task = makeTask("t", { runId: "r1" });
  assert.equal(await followTask(subscriber, { task, cursor: 7, signal: stop.signal }, listener), null);
});
