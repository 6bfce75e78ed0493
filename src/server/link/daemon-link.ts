import type { WebSocket } from "ws";
import type { Logger } from "../../platform/log.ts";
import { LINK_VERSION } from "../../protocol/link.ts";
import type { DaemonMessage, ServerMessage } from "../../protocol/link.ts";
import { openCommands } from "../commands/commands.ts";
import { daemonConnected, daemonDisconnected, daemonSeen } from "../daemons/daemons.ts";
import type { Store } from "../db/store.ts";
import { commandsTopic } from "../db/wakeups.ts";
import { Rerun } from "../rerun.ts";
import type { AppendSource, GroupCommit } from "../runs/group-commit.ts";
import type { Append, Receipt } from "../runs/ingest.ts";
import { commandDone } from "./command-done.ts";
import { answerHello } from "./hello.ts";
import type { Hello } from "./hello.ts";
import { KeepAlive } from "./keep-alive.ts";
import { parseFrame } from "./messages.ts";
import type { Incoming } from "./messages.ts";
import type { LinkRegistry } from "./registry.ts";

/** Bytes of appends waiting to be committed above which the socket is not read, and below which it is again. */
const HIGH_WATER = 8 * 1024 * 1024;
const LOW_WATER = 4 * 1024 * 1024;

/** WebSocket close codes. */
const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;

export interface LinkServices {
  store: Store;
  registry: LinkRegistry;
  commits: GroupCommit;
  log: Logger;
}

/**
 * One daemon's connection: `hello` first, then its appends to the group commit and the server's commands to it. It owns
 * nothing that outlives it; whatever it did not finish is repeated over the next connection.
 */
export class DaemonLink implements AppendSource {
  readonly #socket: WebSocket;
  readonly #services: LinkServices;
  readonly #keepAlive: KeepAlive;
  readonly #deliveries: Rerun;
  readonly #closed = Promise.withResolvers<void>();
  #phase: "new" | "greeting" | "ready" = "new";
  #hello: Hello | null = null;
  #welcomed: Promise<void> = Promise.resolve();
  #wakeup: Disposable | null = null;
  #delivered = 0;
  #waiting = 0;

  constructor(socket: WebSocket, services: LinkServices) {
    this.#socket = socket;
    this.#services = services;
    this.#keepAlive = new KeepAlive(socket);
    this.#deliveries = new Rerun(
      () => this.#deliver(),
      (error) => this.failed(error),
    );
    services.registry.opened(this);
    socket.on("message", (data: Buffer, binary) => this.#receive(data, binary));
    socket.on("close", () => void this.#end());
  }

  get daemonId(): string {
    return this.#hello?.daemonId ?? "";
  }

  get host(): string {
    return this.#hello?.host ?? "";
  }

  /** Resolves when the daemon is written down as offline. */
  async close(): Promise<void> {
    this.#socket.close(GOING_AWAY, "the server stops");
    this.#socket.terminate();
    await this.#closed.promise;
  }

  committed(receipts: readonly Receipt[], bytes: number): void {
    this.#waiting -= bytes;
    if (this.#socket.isPaused && this.#waiting <= LOW_WATER) this.#socket.resume();
    for (const receipt of receipts) {
      if (receipt.kind === "fenced") this.#send({ type: "fenced", run: receipt.run });
      else this.#send({ type: "ack", run: receipt.run, stream: receipt.stream, offset: receipt.offset });
    }
  }

  failed(error: unknown): void {
    this.#services.log.error({ err: error, daemon: this.daemonId }, "closing a daemon's link after an error");
    this.#socket.close(INTERNAL_ERROR, "the server could not go on");
    this.#socket.terminate();
  }

  #receive(data: Buffer, binary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    let message: Incoming;
    try {
      message = parseFrame(data, binary);
    } catch (error) {
      this.#refuse(`malformed message: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    if (message.type === "hello") this.#greet(message);
    else if (this.#phase !== "ready") this.#refuse(`"${message.type}" before the welcome`);
    else if (message.type === "append") this.#append(message.append);
    else this.#handle(message);
  }

  #append(append: Append): void {
    this.#waiting += append.data.length;
    if (this.#waiting > HIGH_WATER) this.#socket.pause();
    this.#services.commits.add(this, append);
  }

  #handle(message: Exclude<DaemonMessage, Hello>): void {
    const { store, log } = this.#services;
    const { daemonId } = this;
    const done =
      message.type === "heartbeat"
        ? store.write((tx) => daemonSeen(tx, daemonId))
        : store.write((tx) => commandDone(tx, daemonId, message.id, message.error, log));
    done.catch((error: unknown) => this.failed(error));
  }

  #greet(hello: Hello): void {
    if (this.#phase !== "new") return this.#refuse("a second hello");
    if (hello.version !== LINK_VERSION) {
      return this.#refuse(`This server speaks version ${LINK_VERSION} of the link, the daemon ${hello.version}`);
    }
    const holder = this.#services.registry.holder(hello.daemonId);
    if (holder !== null) {
      const where = `one on ${holder.host} is connected, this one is on ${hello.host}`;
      return this.#refuse(`Two daemons have the identity ${hello.daemonId}: ${where}`);
    }
    this.#phase = "greeting";
    this.#hello = hello;
    this.#services.registry.take(hello.daemonId, this);
    this.#welcomed = this.#welcome(hello).catch((error: unknown) => this.failed(error));
  }

  async #welcome(hello: Hello): Promise<void> {
    const { store } = this.#services;
    const { daemonId: id, name, host, maxTasks } = hello;
    await store.write((tx) => daemonConnected(tx, { id, name, host, maxTasks }));
    for (const message of await answerHello(store.db, hello)) this.#send(message);
    this.#phase = "ready";
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#wakeup = store.wakeups.listen(commandsTopic(id), () => this.#deliveries.request());
    this.#deliveries.request();
  }

  /** In the order given, each once per connection: what is not reported done comes again over the next one. */
  async #deliver(): Promise<void> {
    for (const { id, seq, command } of await openCommands(this.#services.store.db, this.daemonId, this.#delivered)) {
      this.#send({ type: "command", id, command });
      this.#delivered = seq;
    }
  }

  #refuse(message: string): void {
    this.#services.log.warn({ daemon: this.daemonId, reason: message }, "refused a daemon's link");
    this.#send({ type: "refused", message });
    this.#socket.close(POLICY_VIOLATION);
  }

  #send(message: ServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  async #end(): Promise<void> {
    const { store, registry, log } = this.#services;
    this.#keepAlive[Symbol.dispose]();
    // The "online" of a link that broke at once must not come after its "offline".
    await this.#welcomed;
    this.#wakeup?.[Symbol.dispose]();
    try {
      await this.#deliveries[Symbol.asyncDispose]();
      if (this.#hello !== null) await store.write((tx) => daemonDisconnected(tx, this.daemonId));
    } catch (error) {
      log.error({ err: error, daemon: this.daemonId }, "could not note that a daemon is offline");
    }
    // Only now may the daemon connect again: its next "online" must come after this "offline".
    registry.closed(this, this.#hello?.daemonId ?? null);
    this.#closed.resolve();
  }
}
