import type { WebSocket } from "ws";
import { errorBody, MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { ViewerMessage } from "../../protocol/subscriptions.ts";
import type { SubscriptionMessage } from "../../protocol/subscriptions.ts";
import type { Principal } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import { jsonProblem } from "../http/json-scan.ts";
import { Turns } from "../turns.ts";
import { Reader, whenAvailable } from "./reader.ts";
import type { Batch } from "./reader.ts";
import { watchKey } from "./revocation.ts";
import { openTopic } from "./sources.ts";
import type { Frame } from "./sources.ts";
import { tellTrouble } from "./trouble.ts";

/** Subscriptions of one socket: more than a page could show, few enough to mean nothing to the server. */
const MAX_SUBSCRIPTIONS = 256;

/** WebSocket close codes. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

type Subscribe = Extract<ViewerMessage, { type: "subscribe" }>;

/**
 * One viewer's connection. Every subscription reads the store from its cursor and sends a batch only when the socket has
 * taken the one before, so that a slow viewer holds one batch in memory and misses nothing.
 */
export class Viewer {
  readonly #socket: WebSocket;
  readonly #store: Store;
  readonly #principal: Principal;
  readonly #log: Logger;
  /** What ends each subscription; by the id that the viewer has given it. */
  readonly #subscriptions = new Map<number, AbortController>();
  readonly #turns = new Turns();
  /** All that is under way, also what has yet to notice that it was ended. */
  readonly #active = new Set<Promise<void>>();
  readonly #trouble: AsyncDisposable;
  readonly #key: AsyncDisposable;

  constructor(socket: WebSocket, store: Store, principal: Principal, log: Logger) {
    this.#socket = socket;
    this.#store = store;
    this.#principal = principal;
    this.#log = log;
    this.#trouble = tellTrouble(store, (message) => this.#tell(message));
    this.#key = watchKey(store, principal.keyId, log, () => this.#refuse("the key was revoked"));
    socket.on("message", (data: Buffer, binary) => this.#receive(data.toString("utf8"), binary));
    socket.on("close", () => void this.#end());
  }

  /** Resolves when nothing of it touches the store any more. */
  async close(): Promise<void> {
    this.#socket.close(GOING_AWAY, "the server stops");
    this.#socket.terminate();
    await this.#end();
  }

  #receive(text: string, binary: boolean): void {
    // Nothing that was sent before the close was heard of counts any more.
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const message = binary ? null : parseMessage(text);
    if (message === null) return this.#refuse("malformed message");
    if (message.type === "unsubscribe") return this.#cancel(message.id);
    if (this.#active.size >= MAX_SUBSCRIPTIONS) return this.#refuse("too many subscriptions");
    const { metrics } = this.#store;
    metrics.subscriptionOpened();
    const running = this.#subscribe(message);
    this.#active.add(running);
    void running.finally(() => {
      this.#active.delete(running);
      metrics.subscriptionClosed();
    });
  }

  async #subscribe(request: Subscribe): Promise<void> {
    const { id } = request;
    if (this.#subscriptions.has(id)) {
      return this.#tell(failure(id, new MakimaError("conflict", `Subscription ${id} exists already`)));
    }
    const ending = new AbortController();
    this.#subscriptions.set(id, ending);
    const last = await this.#serve(request, ending.signal);
    // Its id may be another one's by now.
    if (ending.signal.aborted) return;
    // Before it is told: who hears of the end may use the id again.
    this.#subscriptions.delete(id);
    await this.#tell(last);
  }

  /** What there is to say at the end. */
  async #serve(request: Subscribe, signal: AbortSignal): Promise<SubscriptionMessage> {
    const { id, topic } = request;
    try {
      return { type: "end", id, cursor: await this.#follow(request, signal) };
    } catch (error) {
      if (!signal.aborted && !(error instanceof MakimaError)) {
        this.#log.error({ err: error, topic }, "a subscription failed");
      }
      return failure(id, error);
    }
  }

  /** Resolves with the cursor at the end. */
  async #follow({ id, topic, from, follow }: Subscribe, signal: AbortSignal): Promise<number> {
    const source = await whenAvailable(this.#store, signal, () =>
      openTopic(this.#store.db, this.#principal, topic, id),
    );
    using reader = new Reader(this.#store, source, from, signal);
    for (;;) {
      const { cursor, atEnd, complete } = await this.#turns.take(() => this.#sendNext(reader));
      if (complete || (atEnd && !follow)) return cursor;
      if (atEnd) await reader.more();
    }
  }

  async #sendNext(reader: Reader<Frame>): Promise<Batch<Frame>> {
    const batch = await reader.read();
    if (batch.data !== null) await this.#send(batch.data);
    return batch;
  }

  #tell(message: SubscriptionMessage): Promise<void> {
    return this.#send(JSON.stringify(message));
  }

  /** Resolves when the frame has left for the network, or the socket is gone. */
  #send(frame: Frame): Promise<void> {
    this.#store.metrics.frameSent();
    return new Promise((resolve) => this.#socket.send(frame, () => resolve()));
  }

  #refuse(reason: string): void {
    this.#socket.close(POLICY_VIOLATION, reason);
    this.#cancelAll();
  }

  #cancel(id: number): void {
    this.#subscriptions.get(id)?.abort();
    this.#subscriptions.delete(id);
  }

  #cancelAll(): void {
    for (const id of this.#subscriptions.keys()) this.#cancel(id);
  }

  async #end(): Promise<void> {
    this.#cancelAll();
    await Promise.all([...this.#active, this.#trouble[Symbol.asyncDispose](), this.#key[Symbol.asyncDispose]()]);
  }
}

function parseMessage(text: string): ViewerMessage | null {
  if (jsonProblem(text) !== null) return null;
  try {
    return ViewerMessage.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function failure(id: number, error: unknown): SubscriptionMessage {
  return { type: "error", id, error: errorBody(error) };
}
