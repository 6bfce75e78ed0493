import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { KeepAlive } from "./keep-alive.ts";

const rhythm = { every: 10, deadAfter: 200 };

/** Both ends of a connection; the client answers pings or does not. */
async function connection(autoPong: boolean) {
  await using resources = new AsyncDisposableStack();
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  resources.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong });
  resources.defer(() => client.terminate());
  const [socket] = await accepted;
  resources.defer(() => socket.terminate());
  const owned = resources.move();
  return { socket, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("a peer that answers nothing is given up", async () => {
  await using pair = await connection(false);
  using alive = new KeepAlive(pair.socket, rhythm);
  await once(pair.socket, "close");
  assert.equal(alive.gaveUp, true);
});

test("a peer that answers is kept", async () => {
  await using pair = await connection(true);
  using _ = new KeepAlive(pair.socket, rhythm);
  for (let pongs = 0; pongs < 40; pongs += 1) await once(pair.socket, "pong");
  assert.equal(pair.socket.readyState, WebSocket.OPEN);
});

test("a socket that we do not read is not blamed for it", async () => {
  await using pair = await connection(false);
  pair.socket.pause();
  using _ = new KeepAlive(pair.socket, rhythm);
  for (let pings = 0; pings < 40; pings += 1) await once(pair.client, "ping");
  assert.equal(pair.socket.readyState, WebSocket.OPEN);
});

test("a peer that says something of its own accord is kept, and given the sign of life that was asked for", async () => {
  await using pair = await connection(false);
  using _theirs = new KeepAlive(pair.client, { ...rhythm, beat: () => pair.client.send("here") });
  using ours = new KeepAlive(pair.socket, rhythm);
  for (let messages = 0; messages < 40; messages += 1) await once(pair.socket, "message");
  assert.deepEqual([ours.gaveUp, pair.socket.readyState], [false, WebSocket.OPEN]);
});
