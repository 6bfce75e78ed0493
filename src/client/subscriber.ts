import { MakimaError } from "../core/errors.ts";
import { SUBSCRIBE_PATH } from "../protocol/routes.ts";
import type { Change, SubscriptionMessage, ViewerMessage } from "../protocol/subscriptions.ts";
import { CHANGES_TOPIC, decodeStreamData, streamTopic } from "../protocol/topics.ts";
import { errorFromBody } from "./client.ts";
import type { Endpoint } from "./client.ts";
import { Inbox } from "./inbox.ts";
import { backoff } from "./retry.ts";

/** One WebSocket, as the place provides it: a browser has no headers on the upgrade, Node has no cookie. */
export type OpenSocket = (endpoint: Endpoint, path: string, events: SocketEvents) => Socket;

export interface Socket {
  send(text: string): void;
  /** Stops reading from the network, so that the server stops sending; resume() goes on. */
  pause(): void;
  resume(): void;
  /** No event follows. */
  close(): void;
}

export interface SocketEvents {
  open(): void;
  text(data: string): void;
  binary(data: Uint8Array): void;
  /** Closed, or never opened; `status` is the HTTP status when the upgrade was refused. Comes once. */
  close(why: { message: string; status: number | null }): void;
}

export interface SubscriberOptions {
  /** Asked anew for every connection: a local server that was restarted has another port. */
  endpoint: () => Promise<Endpoint>;
  openSocket: OpenSocket;
  /** Subscriptions fail with `unavailable` after this long (ms) without a connection. */
  giveUpAfter: number;
  /** Told whenever it changes: why nothing new may arrive for now; null: all is well. */
  onTrouble?: (trouble: Trouble | null) => void;
}

/** What keeps the server, or the way to it, from working; `since` in epoch ms. */
export interface Trouble {
  since: number;
  problem: string;
}

export interface StreamChunk {
  offset: number;
  data: Uint8Array;
}

export interface SubscribeOptions {
  /** Cursor: a byte offset, or the number of the last change that is already known. */
  from?: number;
  /** false: end where the topic ends now. */
  follow: boolean;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal;
}

/** Bytes waiting in all inboxes at which the socket is paused, and below which it is read again. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;

/** What a change counts in an inbox: about its size in memory, without measuring each. */
const CHANGE_SIZE = 1024;

interface Subscription {
  topic: string;
  cursor: number;
  follow: boolean;
  chunks: Inbox<StreamChunk>;
  changes: Inbox<Change>;
}

/**
 * Subscriptions over one WebSocket that is opened for the first and reopened, with every subscription carrying on at its
 * cursor, whenever it is lost. Whoever iterates must keep reading: one full inbox pauses the socket for all.
 */
export class Subscriber implements AsyncDisposable {
  readonly #options: SubscriberOptions;
  readonly #subscriptions = new Map<number, Subscription>();
  #nextId = 0;
  #socket: Socket | null = null;
  #open = false;
  #connecting = false;
  #disposed = false;
  #attempts = 0;
  #lostAt: number | null = null;
  #trouble: Trouble | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #held = 0;
  #paused = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** The bytes of one stream of a run, in order, each once; ends when the stream is complete. */
  stream(runId: string, stream: string, options: SubscribeOptions): AsyncGenerator<StreamChunk, void> {
    return this.#iterate(streamTopic(runId, stream), options, (subscription) => subscription.chunks);
  }

  /** The change feed in commit order, each change once. */
  changes(options: SubscribeOptions): AsyncGenerator<Change, void> {
    return this.#iterate(CHANGES_TOPIC, options, (subscription) => subscription.changes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#dropSocket();
    for (const subscription of this.#subscriptions.values()) endSubscription(subscription, null);
  }

  async *#iterate<T>(
    topic: string,
    options: SubscribeOptions,
    inboxOf: (subscription: Subscription) => Inbox<T>,
  ): AsyncGenerator<T, void> {
    const id = this.#nextId++;
    const subscription = this.#create(topic, options);
    const onAbort = () => endSubscription(subscription, null);
    options.signal?.addEventListener("abort", onAbort);
    if (options.signal?.aborted === true || this.#disposed) onAbort();
    else this.#add(id, subscription);
    try {
      for (let batch = await inboxOf(subscription).take(); batch !== null; batch = await inboxOf(subscription).take()) {
        if (options.signal?.aborted === true) return;
        yield* batch;
      }
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
      this.#remove(id, subscription);
    }
  }

  #create(topic: string, { from = 0, follow }: SubscribeOptions): Subscription {
    const onSize = (change: number) => this.#count(change);
    return { topic, cursor: from, follow, chunks: new Inbox(onSize), changes: new Inbox(onSize) };
  }

  #add(id: number, subscription: Subscription): void {
    this.#subscriptions.set(id, subscription);
    if (this.#open) this.#subscribe(id, subscription);
    else if (!this.#connecting && this.#retry === null) void this.#connect();
  }

  #remove(id: number, subscription: Subscription): void {
    endSubscription(subscription, null);
    subscription.chunks.clear();
    subscription.changes.clear();
    if (this.#subscriptions.delete(id) && this.#open) this.#send({ type: "unsubscribe", id });
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    try {
      const endpoint = await this.#options.endpoint();
      if (this.#disposed) return;
      this.#socket = this.#options.openSocket(endpoint, SUBSCRIBE_PATH, {
        open: () => this.#onOpen(),
        text: (data) => this.#onMessage(JSON.parse(data) as SubscriptionMessage),
        binary: (data) => this.#onData(data),
        close: (why) => this.#onClose(why),
      });
    } catch (error) {
      this.#onClose({ message: error instanceof Error ? error.message : String(error), status: null });
    }
  }

  #onOpen(): void {
    this.#connecting = false;
    this.#open = true;
    this.#attempts = 0;
    this.#lostAt = null;
    // What still troubles the server itself, it says anew on every connection.
    this.#tellTrouble(null);
    for (const [id, subscription] of this.#subscriptions) this.#subscribe(id, subscription);
  }

  #subscribe(id: number, { topic, cursor, follow }: Subscription): void {
    this.#send({ type: "subscribe", id, topic, from: cursor, follow });
  }

  #send(message: ViewerMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #onData(frame: Uint8Array): void {
    const { id, offset, data } = decodeStreamData(frame);
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    if (offset !== subscription.cursor) {
      const gap = `${subscription.topic}: the server sent offset ${offset} after ${subscription.cursor}`;
      return this.#finish(id, new MakimaError("internal", gap));
    }
    subscription.cursor += data.length;
    subscription.chunks.put({ offset, data }, data.length);
  }

  #onMessage(message: SubscriptionMessage): void {
    if (message.type === "error") {
      const error = errorFromBody(message.error);
      return message.id === null ? this.#failAll(error) : this.#finish(message.id, error);
    }
    if (message.type === "trouble") return this.#tellTrouble(message.trouble);
    if (message.type === "end") return this.#finish(message.id, null);
    const subscription = this.#subscriptions.get(message.id);
    for (const change of message.changes) {
      if (subscription === undefined || change.seq <= subscription.cursor) continue;
      subscription.cursor = change.seq;
      subscription.changes.put(change, CHANGE_SIZE);
    }
  }

  /** The server has forgotten the subscription already, so there is nothing to unsubscribe. */
  #finish(id: number, error: Error | null): void {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    if (subscription !== undefined) endSubscription(subscription, error);
  }

  #onClose(why: { message: string; status: number | null }): void {
    if (this.#disposed) return;
    this.#dropSocket();
    if (why.status === 401) return this.#failAll(new MakimaError("unauthorized", "The server refused the key"));
    if (why.status === 403) return this.#failAll(new MakimaError("forbidden", "The server refused the connection"));
    // Nobody listens: the next subscription connects again.
    if (this.#subscriptions.size === 0) return;
    this.#lostAt ??= performance.now();
    if (performance.now() - this.#lostAt > this.#options.giveUpAfter) {
      return this.#failAll(new MakimaError("unavailable", `Lost the server and cannot get it back (${why.message})`));
    }
    // A server that restarts is back for the first attempt, and nobody need hear of it.
    if (this.#attempts > 0) {
      const since = this.#trouble?.since ?? Date.now();
      this.#tellTrouble({ since, problem: `The server is away (${why.message})` });
    }
    this.#retry = setTimeout(
      () => {
        this.#retry = null;
        void this.#connect();
      },
      backoff(this.#attempts++),
    );
  }

  #tellTrouble(trouble: Trouble | null): void {
    if (this.#trouble?.problem === trouble?.problem) return;
    this.#trouble = trouble;
    this.#options.onTrouble?.(trouble);
  }

  #dropSocket(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#open = false;
    this.#connecting = false;
    this.#paused = false;
  }

  #failAll(error: Error): void {
    this.#lostAt = null;
    for (const id of this.#subscriptions.keys()) this.#finish(id, error);
  }

  #count(change: number): void {
    this.#held += change;
    if (!this.#paused && this.#held > HIGH_WATER) {
      this.#paused = true;
      this.#socket?.pause();
    } else if (this.#paused && this.#held < LOW_WATER) {
      this.#paused = false;
      this.#socket?.resume();
    }
  }
}

function endSubscription(subscription: Subscription, error: Error | null): void {
  subscription.chunks.end(error);
  subscription.changes.end(error);
}
