import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { Subscriber } from "../client/subscriber.ts";
import type { Trouble } from "../client/subscriber.ts";
import type { ViewerMessage } from "../protocol/subscriptions.ts";
import { encodeStreamData } from "../protocol/topics.ts";
import { openSocket } from "./socket.ts";

type Subscribe = Extract<ViewerMessage, { type: "subscribe" }>;

/** The far end: each test says what becomes of a subscription. */
let server: WebSocketServer;
let url: string;
let onSubscribe: (socket: WebSocket, request: Subscribe) => Promise<void> | void;
let unsubscribed: number[];

beforeEach(async () => {
  unsubscribed = [];
  server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    verifyClient: ({ req }, done) => done(req.headers.authorization === "Bearer right", 401),
  });
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ViewerMessage;
      if (message.type === "subscribe") void onSubscribe(socket, message);
      else unsubscribed.push(message.id);
    });
  });
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
  await once(server, "close");
});

function subscribe({ key = "right", giveUpAfter = 10_000 } = {}): Subscriber {
  return new Subscriber({ endpoint: async () => ({ url, key }), openSocket, giveUpAfter });
}

/** Serves `whole` from the wanted offset in pieces of `size`, at most `limit` bytes, then ends or cuts the connection. */
function serve(socket: WebSocket, { id, from }: Subscribe, whole: Buffer, size: number, limit = Infinity): void {
  let sent = 0;
  for (let at = from; at < whole.length && sent < limit; at += size, sent += size) {
    socket.send(encodeStreamData(id, at, whole.subarray(at, at + size)));
  }
  if (sent >= limit) socket.close();
  else socket.send(JSON.stringify({ type: "end", id, cursor: whole.length }));
}

async function readAll(subscriber: Subscriber): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const { data } of subscriber.stream("r", "events", { follow: true })) parts.push(data);
  return Buffer.concat(parts);
}

test("every byte arrives once, however often the connection is cut", async () => {
  const whole = Buffer.from(Array.from({ length: 5_000 }, (_, index) => `line ${index}\n`).join(""));
  const froms: number[] = [];
  onSubscribe = (socket, request) => {
    froms.push(request.from);
    serve(socket, request, whole, 1_000, froms.length < 4 ? 15_000 : Infinity);
  };
  await using subscriber = subscribe();
  assert.ok((await readAll(subscriber)).equals(whole));
  assert.deepEqual(froms, [0, 15_000, 30_000, 45_000]);
});

test("changes arrive once, in order, over a reconnect", async () => {
  const change = (seq: number) => ({ seq, at: 0, kind: "task", id: "t", data: { seq } });
  let connections = 0;
  onSubscribe = (socket, { id, from }) => {
    // The second connection repeats what the first one brought.
    const seqs = connections++ === 0 ? [from + 1, from + 2] : [from, from + 1];
    socket.send(JSON.stringify({ type: "changes", id, changes: seqs.map(change) }));
    if (connections === 1) socket.close();
    else socket.send(JSON.stringify({ type: "end", id, cursor: 0 }));
  };
  await using subscriber = subscribe();
  const seqs: number[] = [];
  for await (const { seq } of subscriber.changes({ from: 7, follow: true })) seqs.push(seq);
  assert.deepEqual(seqs, [8, 9, 10]);
});

test("an error ends the one subscription that it is about", async () => {
  onSubscribe = (socket, request) => {
    if (request.topic === "run/r/events") return serve(socket, request, Buffer.from("fine"), 4);
    const error = { code: "not_found", message: "There is no such run", hint: "Look." };
    socket.send(JSON.stringify({ type: "error", id: request.id, error }));
  };
  await using subscriber = subscribe();
  await assert.rejects(subscriber.stream("gone", "events", { follow: true }).next(), { code: "not_found" });
  assert.equal((await readAll(subscriber)).toString(), "fine");
});

test("a gap in the bytes is an error, never a silent loss", async () => {
  onSubscribe = (socket, { id }) => socket.send(encodeStreamData(id, 5, Buffer.from("late")));
  await using subscriber = subscribe();
  await assert.rejects(readAll(subscriber), /offset 5 after 0/);
});

test("a refused key is told at once, and not tried again", async () => {
  await using subscriber = subscribe({ key: "wrong" });
  await assert.rejects(readAll(subscriber), { code: "unauthorized" });
});

test("what troubles the server is handed on, and a server that is away is trouble too", async () => {
  const away = { since: 7, problem: "The database does not answer" };
  const told: (Trouble | null)[] = [];
  let goneFor = 0;
  onSubscribe = (socket, request) => {
    socket.send(JSON.stringify({ type: "trouble", trouble: away }));
    if (told.length < 1) socket.close();
    else serve(socket, request, Buffer.from("fine"), 4);
  };
  await using subscriber = new Subscriber({
    // Reached at once, then not twice, then again.
    endpoint: async () => ({ url: told.length === 1 && goneFor++ < 2 ? "http://127.0.0.1:1" : url, key: "right" }),
    openSocket,
    giveUpAfter: 10_000,
    onTrouble: (trouble) => told.push(trouble),
  });
  assert.equal((await readAll(subscriber)).toString(), "fine");
  const [first, second, third, fourth] = told;
  assert.deepEqual(first, away);
  assert.match(second?.problem ?? "", /The server is away \(.*ECONNREFUSED/);
  assert.deepEqual([third, fourth], [null, away]);
});

test("a server that stays away is given up", async () => {
  await using subscriber = new Subscriber({
    endpoint: async () => ({ url: "http://127.0.0.1:1", key: "right" }),
    openSocket,
    giveUpAfter: 50,
  });
  await assert.rejects(readAll(subscriber), { code: "unavailable" });
});

test("whoever stops reading is unsubscribed, and an abort ends the reading without an error", async () => {
  onSubscribe = (socket, { id }) => socket.send(encodeStreamData(id, 0, Buffer.from("x")));
  await using subscriber = subscribe();
  for await (const _ of subscriber.stream("r", "events", { follow: true })) break;
  const stop = new AbortController();
  for await (const _ of subscriber.stream("r", "events", { follow: true, signal: stop.signal })) stop.abort();
  while (unsubscribed.length < 2) await delay(5);
  assert.deepEqual(unsubscribed, [0, 1]);
});

test("a reader that lags behind stops the sender, and misses nothing", async () => {
  const piece = Buffer.alloc(64 * 1024, "y");
  const total = 512;
  let sent = 0;
  onSubscribe = async (socket, { id }) => {
    for (; sent < total; sent++) {
      const frame = encodeStreamData(id, sent * piece.length, piece);
      await new Promise((resolve) => socket.send(frame, resolve));
    }
    socket.send(JSON.stringify({ type: "end", id, cursor: total * piece.length }));
  };
  await using subscriber = subscribe();
  const reading = subscriber.stream("r", "events", { follow: true });
  let received = (await reading.next()).value?.data.length ?? 0;
  let before = -1;
  // What fits the sockets' buffers and the inbox is sent, and then nothing more.
  while (before !== sent) {
    before = sent;
    await delay(100);
  }
  assert.ok(sent < total, `all ${total} pieces were sent to a reader that does not read`);
  for await (const { data } of reading) received += data.length;
  assert.equal(received, total * piece.length);
});
