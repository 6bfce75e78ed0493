import { WebSocket } from "ws";
import { encodeAppend, LINK_VERSION, ServerMessage } from "../../protocol/link.ts";
import type { AppendHeader, Command, DaemonMessage } from "../../protocol/link.ts";
import { OPERATION_RESULTS } from "../../protocol/operations.ts";
import type { OperationKind, OperationOrder, OperationResult, OrderOf } from "../../protocol/operations.ts";
import { LINK_PATH, SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import type { RunSpec } from "../../protocol/run-spec.ts";
import { SubscriptionMessage } from "../../protocol/subscriptions.ts";
import type { ViewerMessage } from "../../protocol/subscriptions.ts";
import { decodeStreamData } from "../../protocol/topics.ts";
import { until } from "./harness.ts";

export type Where = { url: string; userKey: string; daemonKey: string };

/** The other end of one of the server's WebSockets: keeps what it is told. */
class Peer implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;

  constructor(url: string, path: string, key: string) {
    this.socket = new WebSocket(`${url.replace("http", "ws")}${path}`, { headers: { authorization: `Bearer ${key}` } });
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
    this.socket.on("error", () => undefined);
  }

  opened(): Promise<void> {
    return new Promise((resolve) => this.socket.on("open", () => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}

/** A daemon that does what the test says and nothing else. */
export class FakeDaemon extends Peer {
  readonly messages: ServerMessage[] = [];

  constructor(server: Where) {
    super(server.url, LINK_PATH, server.daemonKey);
    this.socket.on("message", (data: Buffer) => {
      this.messages.push(ServerMessage.parse(JSON.parse(data.toString("utf8"))));
    });
  }

  static async connect(server: Where, hello: Partial<Extract<DaemonMessage, { type: "hello" }>> = {}) {
    const daemon = new FakeDaemon(server);
    await daemon.opened();
    daemon.hello(hello);
    await until(() => daemon.of("welcome").length + daemon.of("refused").length > 0);
    return daemon;
  }

  hello(fields: Partial<Extract<DaemonMessage, { type: "hello" }>> = {}): void {
    const names = { daemonId: "d1", instance: "i1", name: "d1", host: "box" };
    this.tell({
      type: "hello",
      version: LINK_VERSION,
      ...names,
      maxTasks: 4,
      labels: {},
      runs: [],
      worktrees: [],
      ...fields,
    });
  }

  tell(message: DaemonMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  append(header: AppendHeader, data: string | Uint8Array): void {
    this.socket.send(encodeAppend(header, typeof data === "string" ? Buffer.from(data) : data));
  }

  of<T extends ServerMessage["type"]>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.messages.filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type);
  }

  /** The tasks that it was told to spawn. */
  get spawns(): { commandId: string; spec: RunSpec }[] {
    return this.of("command").flatMap(({ id, command }) =>
      command.kind === "SpawnTask" ? [{ commandId: id, spec: command.spec }] : [],
    );
  }

  get interrupts(): { commandId: string; runId: string; reason: string }[] {
    return this.of("command").flatMap(({ id, command }) =>
      command.kind === "InterruptTask" ? [{ commandId: id, runId: command.runId, reason: command.reason }] : [],
    );
  }

  /** The operations that it was told to carry out. */
  get orders(): { commandId: string; order: OperationOrder }[] {
    return this.of("command").flatMap(({ id, command }) =>
      isOrder(command) ? [{ commandId: id, order: command }] : [],
    );
  }

  /** Waits for the `count`th operation of a kind, and gives its order. */
  async ordered<K extends OperationKind>(kind: K, count = 1): Promise<{ commandId: string; order: OrderOf<K> }> {
    const found = () => this.orders.filter(({ order }) => order.kind === kind)[count - 1];
    await until(() => found() !== undefined);
    return found() as { commandId: string; order: OrderOf<K> };
  }

  /** Reports an operation as done. */
  answer(commandId: string, result: OperationResult<OperationKind>): void {
    this.tell({ type: "commandDone", id: commandId, error: null, result });
  }

  /** Waits for the `count`th task that it is told to spawn. */
  async spawned(count = 1): Promise<{ commandId: string; spec: RunSpec }> {
    await until(() => this.spawns.length >= count);
    const spawn = this.spawns[count - 1];
    if (spawn === undefined) throw new Error("no command");
    return spawn;
  }

  acked(run: string, stream: string): number {
    return Math.max(
      0,
      ...this.of("ack").flatMap((ack) => (ack.run === run && ack.stream === stream ? ack.offset : [])),
    );
  }
}

function isOrder(command: Command): command is OperationOrder {
  return Object.hasOwn(OPERATION_RESULTS, command.kind);
}

/** A viewer that keeps, per subscription, the bytes and changes that it was sent. */
export class FakeViewer extends Peer {
  readonly messages: SubscriptionMessage[] = [];
  readonly frames: { id: number; offset: number; data: Uint8Array }[] = [];

  constructor(server: Where, key = server.userKey) {
    super(server.url, SUBSCRIBE_PATH, key);
    this.socket.on("message", (data: Buffer, binary) => {
      if (binary) this.frames.push(decodeStreamData(data));
      else this.messages.push(SubscriptionMessage.parse(JSON.parse(String(data))));
    });
  }

  static async connect(server: Where, key = server.userKey) {
    const viewer = new FakeViewer(server, key);
    await viewer.opened();
    return viewer;
  }

  tell(message: ViewerMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: number, topic: string, { from = 0, follow = true } = {}): void {
    this.tell({ type: "subscribe", id, topic, from, follow });
  }

  of<T extends SubscriptionMessage["type"]>(type: T): Extract<SubscriptionMessage, { type: T }>[] {
    const matching = this.messages.filter((message) => message.type === type);
    return matching as Extract<SubscriptionMessage, { type: T }>[];
  }

  /** Resolves when the subscription has been ended by the server. */
  async ended(id: number): Promise<void> {
    await until(() => this.of("end").some((end) => end.id === id));
  }

  /** The bytes received; throws where they do not follow each other from `from` on. */
  bytes(id: number, from = 0): Buffer {
    let offset = from;
    const pieces = this.frames.filter((frame) => frame.id === id);
    for (const piece of pieces) {
      if (piece.offset !== offset) throw new Error(`expected offset ${offset}, got ${piece.offset}`);
      offset += piece.data.length;
    }
    return Buffer.concat(pieces.map(({ data }) => data));
  }
}
