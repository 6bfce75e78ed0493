import { WebSocket } from "ws";
import type { Clock } from "../../platform/clock.ts";
import { KeepAlive } from "../../platform/keep-alive.ts";
import type { Logger } from "../../platform/log.ts";
import { redact } from "../../platform/redact/secrets.ts";
import { LINK_DEAD_AFTER, LINK_PING_EVERY, LINK_VERSION, ServerMessage } from "../../protocol/link.ts";
import type { Command, CommandError, DaemonMessage } from "../../protocol/link.ts";
import { OPERATION_KINDS } from "../../protocol/operations.ts";
import type { OperationOrder } from "../../protocol/operations.ts";
import { LINK_PATH } from "../../protocol/routes.ts";
import type { Answer } from "../journal/done-commands.ts";

/** First and longest pause between two tries to connect (ms); each is drawn at random up to its bound. */
const FIRST_RETRY = 100;
const LONGEST_RETRY = 10_000;

/** A connection that lasted this long (ms) was a good one. One that breaks sooner may be broken by what is sent over it. */
const STEADY = 1_000;

/** Largest frame that a server may send (bytes): a command with its longest texts has room in it many times over. */
const MAX_FRAME = 16 * 1024 * 1024;

/** What an operation is not: a command to a run, or about all of a contract. */
type RunCommand = Exclude<Command, OperationOrder>;

type Hello = Extract<DaemonMessage, { type: "hello" }>;
type Heartbeat = Extract<DaemonMessage, { type: "heartbeat" }>;
type Welcome = Extract<ServerMessage, { type: "welcome" }>;
export type Send = (frame: Uint8Array) => void;

/** How a connection went. */
interface Connection {
  /** When the server's welcome came, by the monotonic clock (ms); null: it never did. */
  welcomedAt: number | null;
  /** Why it ended. */
  reason: string;
  /** The server's words when it does not want this daemon; null when it did not say so. */
  refusal: string | null;
}

export interface LinkOptions {
  serverUrl: string;
  key: string;
  clock: Clock;
  log: Logger;
  /** If it rejects, the connection is given up. */
  hello: () => Promise<Omit<Hello, "type" | "version">>;
  heartbeat: () => Omit<Heartbeat, "type" | "at">;
  /** A connection is up: `send` writes to it, and the welcome says what the server knows of this daemon. */
  connected: (send: Send, welcome: Pick<Welcome, "acked" | "orphans">) => void;
  disconnected: () => void;
  acknowledged: (run: string, stream: string, offset: number) => void;
  /**
   * Executes a command; resolves to null, or to the reason why it could not be executed. One at a time, in the order of
   * the server: a stop must not overtake the start that it is meant for. If it rejects, the command comes again.
   * `closing` aborts when this link closes, which waits for the command.
   */
  command: (id: string, command: RunCommand, closing: AbortSignal) => Promise<CommandError | null>;
  /**
   * Carries an operation out. Called at once, whatever else is being executed, and again when the server repeats itself:
   * what is under way is the owner's to know, and to end. If it rejects, the operation comes again.
   */
  operation: (id: string, order: OperationOrder) => Promise<Answer>;
  fenced: (run: string) => void;
}

/** The daemon's one connection to its server: reconnects for ever, with jitter, and never throws at its owner. */
export class Link implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #url: URL;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #socket: WebSocket | null = null;
  #executed: Promise<void> = Promise.resolve();
  /** The last refusal that was told. */
  #refusal: string | null = null;

  /** Throws when `serverUrl` is no URL. */
  constructor(options: LinkOptions) {
    this.#options = options;
    this.#url = new URL(LINK_PATH, options.serverUrl.replace(/^http/, "ws"));
    this.#done = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#socket?.terminate();
    await this.#done;
    await this.#executed;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const connection = await this.#connectOnce();
      if (this.#stop.signal.aborted) return;
      const { welcomedAt, refusal } = connection;
      const steady = welcomedAt !== null && performance.now() - welcomedAt > STEADY;
      failures = steady ? 0 : failures + 1;
      const retry = Math.random() * Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** failures);
      // Nothing but a person can mend a refusal, so there is no hurry.
      const pause = refusal === null ? retry : LONGEST_RETRY;
      this.#report(connection, Math.round(pause));
      await clock.sleep(pause, this.#stop.signal).catch(() => undefined);
    }
  }

  /** A refusal is told once for each reason, and again only after the server was content in between. */
  #report({ welcomedAt, refusal, reason }: Connection, pause: number): void {
    const { log } = this.#options;
    if (refusal === null) log.warn({ reason, pause }, "link to the server lost; reconnecting");
    else if (refusal !== this.#refusal) log.error({ reason: refusal, pause }, "the server refuses this daemon");
    if (refusal !== null || welcomedAt !== null) this.#refusal = refusal;
  }

  /** One connection from upgrade to close. */
  #connectOnce(): Promise<Connection> {
    const socket = new WebSocket(this.#url, {
      headers: { authorization: `Bearer ${this.#options.key}` },
      handshakeTimeout: LINK_DEAD_AFTER,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME,
    });
    this.#socket = socket;
    const ended = Promise.withResolvers<Connection>();
    const state: Connection = { welcomedAt: null, reason: "connection closed", refusal: null };
    const alive = new KeepAlive(socket, {
      every: LINK_PING_EVERY,
      deadAfter: LINK_DEAD_AFTER,
      // Before its welcome the server expects nothing but a hello.
      beat: () => {
        const { clock, heartbeat } = this.#options;
        if (state.welcomedAt !== null) tell(socket, { type: "heartbeat", at: clock.now(), ...heartbeat() });
      },
    });
    socket.on("open", () => void this.#introduce(socket, state));
    socket.on("message", (data: Buffer, binary) => {
      if (!binary) this.#receive(socket, parseMessage(data.toString("utf8")), state);
    });
    socket.on("error", (error) => (state.reason = error.message));
    socket.on("close", () => {
      alive[Symbol.dispose]();
      if (alive.gaveUp) state.reason = "the server went silent";
      this.#socket = null;
      if (state.welcomedAt !== null) this.#options.disconnected();
      ended.resolve(state);
    });
    return ended.promise;
  }

  /** Never rejects. */
  async #introduce(socket: WebSocket, state: Connection): Promise<void> {
    try {
      tell(socket, { type: "hello", version: LINK_VERSION, ...(await this.#options.hello()) });
    } catch (error) {
      this.#options.log.error({ err: error }, "this daemon cannot introduce itself to the server");
      state.reason = "this daemon could not introduce itself";
      socket.close();
    }
  }

  #receive(socket: WebSocket, message: ServerMessage | null, state: Connection): void {
    const { connected, acknowledged, fenced } = this.#options;
    if (message === null) {
      state.reason = "the server sent a message that this daemon does not know";
      socket.close();
      return;
    }
    switch (message.type) {
      case "welcome":
        state.welcomedAt = performance.now();
        // What is sent while the connection closes is lost, and sent again over the next one.
        connected((frame) => socket.readyState === WebSocket.OPEN && socket.send(frame), message);
        return;
      case "ack":
        acknowledged(message.run, message.stream, message.offset);
        return;
      case "command":
        this.#take(socket, message.id, message.command);
        return;
      case "fenced":
        fenced(message.run);
        return;
      case "refused":
        state.refusal = message.message;
        socket.close();
    }
  }

  #take(socket: WebSocket, id: string, command: Command): void {
    const { command: execute, operation } = this.#options;
    if (isOperation(command)) {
      void this.#answer(socket, id, () => operation(id, command));
    } else {
      const answer = async (): Promise<Answer> => ({
        error: await execute(id, command, this.#stop.signal),
        result: null,
      });
      this.#executed = this.#executed.then(() => this.#answer(socket, id, answer));
    }
  }

  /** Never rejects. */
  async #answer(socket: WebSocket, id: string, execute: () => Promise<Answer>): Promise<void> {
    try {
      const { error, result } = await execute();
      tell(socket, { type: "commandDone", id, error: error === null ? null : withoutSecrets(error), result });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.log.error({ err: error, command: id }, "a command's execution could not be recorded");
    }
  }
}

/** Programs quote what they were given, an address with its password among it. */
function withoutSecrets({ code, message, hint }: CommandError): CommandError {
  return { code, message: redact(message), hint: redact(hint) };
}

function isOperation(command: Command): command is OperationOrder {
  return OPERATION_KINDS.some((kind) => kind === command.kind);
}

/** Dropped when the connection is closing: over the next one the server repeats what it has no answer for. */
function tell(socket: WebSocket, message: DaemonMessage): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function parseMessage(text: string): ServerMessage | null {
  try {
    return ServerMessage.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
