import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { DaemonMessage, decodeAppend } from "../../src/protocol/link.ts";
import type { AppendHeader, ServerMessage } from "../../src/protocol/link.ts";
import { until } from "./until.ts";

/** The server's end of one daemon's connection. */
export class Peer {
  readonly socket: WebSocket;
  readonly #received: { data: Buffer; binary: boolean }[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, binary) => this.#received.push({ data, binary }));
  }

  say(message: ServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  async heard(): Promise<DaemonMessage> {
    const { data, binary } = await this.#next();
    assert.equal(binary, false);
    return DaemonMessage.parse(JSON.parse(data.toString("utf8")));
  }

  async heardAppend(): Promise<AppendHeader> {
    const { data, binary } = await this.#next();
    assert.equal(binary, true);
    return decodeAppend(data).header;
  }

  async #next(): Promise<{ data: Buffer; binary: boolean }> {
    return until(() => this.#received.shift(), "the daemon says something");
  }
}

/** A server that speaks the link's protocol and leaves to the test what it says. */
export async function openLinkServer() {
  const connections: { peer: Peer; request: IncomingMessage }[] = [];
  /** Whether connections are refused, and how many have been. */
  const state = { refuse: false, refused: 0 };
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    verifyClient: () => {
      if (state.refuse) state.refused += 1;
      return !state.refuse;
    },
  });
  server.on("connection", (socket, request) => connections.push({ peer: new Peer(socket), request }));
  await once(server, "listening");
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The next connection that was not asked for yet. */
    connection: () => until(() => connections.shift(), "a daemon connects"),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
