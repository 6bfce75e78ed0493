import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { DaemonMessage, decodeAppend } from "../../src/protocol/link.ts";
import type { AppendHeader, Command, CommandError, ServerMessage } from "../../src/protocol/link.ts";
import { decodeEvent } from "../../src/protocol/run-events.ts";
import type { RunEvent } from "../../src/protocol/run-events.ts";
import { until } from "./until.ts";

/** The server's end of one daemon's connection. */
export class Peer {
  readonly socket: WebSocket;
  readonly #received: { data: Buffer; binary: boolean }[] = [];
  /** What `store` keeps: run and stream -> bytes. */
  #stored: Map<string, Buffer> | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, binary) => {
      if (binary && this.#stored !== null) this.#append(this.#stored, data);
      else this.#received.push({ data, binary });
    });
  }

  /** From now on, whatever the daemon appends is kept and acknowledged, and no more to be heard. */
  store(): void {
    this.#stored ??= new Map();
  }

  /** The events of a run that were stored. */
  events(run: string): RunEvent[] {
    const lines = (this.#stored?.get(`${run} events`) ?? "").toString().split("\n");
    return lines.filter((line) => line !== "").map(decodeEvent);
  }

  say(message: ServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  async heard(): Promise<DaemonMessage> {
    const { data, binary } = await this.#next();
    assert.equal(binary, false);
    return DaemonMessage.parse(JSON.parse(data.toString("utf8")));
  }

  /** Has the daemon execute a command; resolves to why it could not be executed. */
  async execute(id: string, command: Command): Promise<CommandError | null> {
    return (await this.ask(id, command)).error;
  }

  /** Has the daemon execute a command; resolves to its whole answer. */
  async ask(id: string, command: Command): Promise<Extract<DaemonMessage, { type: "commandDone" }>> {
    this.say({ type: "command", id, command });
    for (;;) {
      const answer = await this.heard();
      if (answer.type === "commandDone" && answer.id === id) return answer;
    }
  }

  async heardAppend(): Promise<AppendHeader> {
    const { data, binary } = await this.#next();
    assert.equal(binary, true);
    return decodeAppend(data).header;
  }

  #append(stored: Map<string, Buffer>, frame: Buffer): void {
    const { header, data } = decodeAppend(frame);
    const { run, stream, offset } = header;
    const before = stored.get(`${run} ${stream}`) ?? Buffer.alloc(0);
    assert.equal(offset, before.length, `a gap or a repeat in ${stream}`);
    stored.set(`${run} ${stream}`, Buffer.concat([before, data]));
    this.say({ type: "ack", run, stream, offset: offset + data.length });
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
