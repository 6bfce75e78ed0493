import { Client } from "pg";
import type { ClientConfig } from "pg";
import { systemClock } from "../../../platform/clock.ts";
import { problemOf } from "./errors.ts";
import { LISTEN } from "./session.ts";

/** Between attempts to connect: soon at first, and never long, for the database is what everybody waits for (ms). */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

export interface WatchOptions {
  settings: ClientConfig;
  /** The payload of a notice. */
  heard: (payload: string) => void;
  /** The database cannot be reached; told again for every attempt that fails. */
  away: (problem: string) => void;
  /** The database answers after it did not, or the connection was a new one: notices may have been missed. */
  back: () => void;
}

/**
 * The one connection that listens for other servers' notices, and that knows whether the database is there: it is kept
 * up, and made anew for as long as that takes.
 */
export class Watch implements AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #listener: Listener;

  private constructor(options: WatchOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    this.#running = this.#run();
  }

  /** Resolves when every notice from now on will be heard; throws what the driver throws. */
  static async start(options: WatchOptions): Promise<Watch> {
    return new Watch(options, await Listener.connect(options));
  }

  /** Somebody has lost a connection: makes this one anew, which tells whether the database is there. */
  doubt(): void {
    this.#listener.drop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#listener.drop();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#listener.ended;
      const next = await this.#reconnect();
      if (next === null) return;
      this.#listener = next;
      this.#options.back();
    }
  }

  /** null: it was stopped. */
  async #reconnect(): Promise<Listener | null> {
    const { signal } = this.#stopped;
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        const listener = await Listener.connect(this.#options);
        if (!signal.aborted) return listener;
        listener.drop();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        this.#options.away(problemOf(error));
        await systemClock.sleep(pause, signal).catch(() => {});
      }
    }
    return null;
  }
}

class Listener {
  readonly ended: Promise<void>;
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
    this.ended = new Promise((resolve) => {
      client.on("error", () => this.drop());
      client.on("end", resolve);
    });
  }

  static async connect({ settings, heard }: WatchOptions): Promise<Listener> {
    const client = new Client(settings);
    const listener = new Listener(client);
    client.on("notification", ({ payload = "" }) => heard(payload));
    try {
      await client.connect();
      const { rows } = await client.query<{ standby: boolean }>("select pg_is_in_recovery() as standby");
      if (rows[0]?.standby === true) throw new Error("it is a read-only standby");
      await client.query(LISTEN);
      return listener;
    } catch (error) {
      listener.drop();
      throw error;
    }
  }

  /** Without a goodbye, for which a dead link would wait. */
  drop(): void {
    this.#client.connection.stream.destroy();
  }
}
