import type { WebSocket } from "ws";
import { errorBody, MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { ViewerMessage } from "../../protocol/subscriptions.ts";
import type { SubscriptionMessage } from "../../protocol/subscriptions.ts";
import type { Principal } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import { Bell } from "../db/wakeups.ts";
import { openSource } from "./sources.ts";
import type { Batch, Source } from "./sources.ts";
import { Turns } from "./turns.ts";

/** Subscriptions of one socket: more than a page could show, few enough to mean nothing to the server. */
const MAX_SUBSCRIPTIONS = 256;

/** WebSocket close codes. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

type Subscribe = Extract<ViewerMessage, { type: "subscribe" }>;

interface Subscription {
  cancelled: boolean;
  /** Rings for something new, and for the cancellation. */
  bell: Bell | null;
}

/**
 * One viewer's connection. Every subscription reads the store from its cursor and sends a batch only when the socket has
 * taken the one before, so that a slow viewer holds one batch in memory and misses nothing.
 */
export class Viewer {
  readonly #socket: WebSocket;
  readonly #store: Store;
  readonly #principal: Principal;
  readonly #log: Logger;
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #turns = new Turns();
  readonly #active = new Set<Promise<void>>();

  constructor(socket: WebSocket, store: Store, principal: Principal, log: Logger) {
    this.#socket = socket;
    this.#store = store;
    this.#principal = principal;
    this.#log = log;
    socket.on("message", (data: Buffer, binary) => this.#receive(data.toString("utf8"), binary));
    socket.on("close", () => this.#cancelAll());
  }

  /** Resolves when no subscription touches the store any more. */
  async close(): Promise<void> {
    this.#socket.close(GOING_AWAY, "the server stops");
    this.#socket.terminate();
    this.#cancelAll();
    await Promise.all(this.#active);
  }

  #receive(text: string, binary: boolean): void {
    const message = binary ? null : parseMessage(text);
    if (message === null) {
      this.#socket.close(POLICY_VIOLATION, "malformed message");
      return;
    }
    if (message.type === "unsubscribe") {
      this.#cancel(message.id);
      return;
    }
    if (this.#active.size >= MAX_SUBSCRIPTIONS) {
      this.#socket.close(POLICY_VIOLATION, "too many subscriptions");
      return;
    }
    const running = this.#subscribe(message);
    this.#active.add(running);
    void running.finally(() => this.#active.delete(running));
  }

  async #subscribe(request: Subscribe): Promise<void> {
    const { id, topic } = request;
    try {
      if (this.#subscriptions.has(id)) throw new MakimaError("conflict", `Subscription ${id} exists already`);
      const subscription: Subscription = { cancelled: false, bell: null };
      this.#subscriptions.set(id, subscription);
      try {
        const source = await openSource(this.#store.db, this.#principal, topic, id);
        await this.#follow(request, source, subscription);
      } finally {
        this.#subscriptions.delete(id);
      }
    } catch (error) {
      if (!(error instanceof MakimaError)) this.#log.error({ err: error, topic }, "a subscription failed");
      await this.#tell({ type: "error", id, error: errorBody(error) });
    }
  }

  async #follow({ id, from, follow }: Subscribe, source: Source, subscription: Subscription): Promise<void> {
    using bell = new Bell(this.#store.wakeups, source.topics);
    subscription.bell = bell;
    let cursor = from;
    while (!subscription.cancelled) {
      const batch = await this.#turns.take(() => {
        bell.clear();
        return this.#sendNext(source, cursor);
      });
      cursor = batch.cursor;
      if (batch.complete || (batch.atEnd && !follow)) return this.#tell({ type: "end", id, cursor });
      // A cancellation during the read has rung the bell, perhaps before it was cleared.
      if (batch.atEnd && !subscription.cancelled) await bell.wait();
    }
  }

  async #sendNext(source: Source, cursor: number): Promise<Batch> {
    const batch = await source.read(cursor);
    if (batch.frame !== null) await this.#send(batch.frame);
    return batch;
  }

  #tell(message: SubscriptionMessage): Promise<void> {
    return this.#send(JSON.stringify(message));
  }

  /** Resolves when the frame has left for the network, or the socket is gone. */
  #send(frame: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.send(frame, () => resolve()));
  }

  #cancel(id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    subscription.cancelled = true;
    subscription.bell?.ring();
  }

  #cancelAll(): void {
    for (const id of this.#subscriptions.keys()) this.#cancel(id);
  }
}

function parseMessage(text: string): ViewerMessage | null {
  try {
    return ViewerMessage.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
