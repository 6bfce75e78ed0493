import { systemClock } from "../../platform/clock.ts";
import type { Store } from "../db/store.ts";
import { Bell } from "../db/wakeups.ts";
import { isUnavailable } from "../unavailable.ts";

/** What lies behind a cursor. */
export interface Batch<T> {
  /** null: nothing. */
  data: T | null;
  /** Behind `data`. */
  cursor: number;
  /** The present end is reached. */
  atEnd: boolean;
  /** Nothing will ever follow. */
  complete: boolean;
}

/** Something that grows at its end and is read by cursor. */
export interface Source<T> {
  /** Wake-up topics that announce something new. */
  topics: readonly string[];
  read(cursor: number): Promise<Batch<T>>;
}

/** Reads a source from a cursor on, replay and live alike, until `signal` aborts. */
export class Reader<T> implements Disposable {
  readonly #store: Store;
  readonly #source: Source<T>;
  readonly #signal: AbortSignal;
  readonly #bell: Bell;
  readonly #ring = () => this.#bell.ring();
  #cursor: number;

  constructor(store: Store, source: Source<T>, from: number, signal: AbortSignal) {
    this.#store = store;
    this.#source = source;
    this.#cursor = from;
    this.#signal = signal;
    this.#bell = new Bell(store.wakeups, source.topics);
    signal.addEventListener("abort", this.#ring);
  }

  /** The next batch, however long the database is away meanwhile. Throws what the source throws. */
  async read(): Promise<Batch<T>> {
    this.#bell.clear();
    const batch = await whenAvailable(this.#store, this.#signal, () => this.#source.read(this.#cursor));
    this.#signal.throwIfAborted();
    this.#cursor = batch.cursor;
    return batch;
  }

  /** Resolves when there may be more than the last batch held. */
  async more(): Promise<void> {
    if (!this.#signal.aborted) await this.#bell.wait();
    this.#signal.throwIfAborted();
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#ring);
    this.#bell[Symbol.dispose]();
  }
}

/** After a database that is there, but could not answer: the next attempt is not made at once (ms). */
const BUSY_PAUSE = 100;

/** What `work` gives as soon as the database is there for it; rejects with the reason of `signal` when that aborts. */
export async function whenAvailable<T>(store: Store, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await store.available(signal);
      await systemClock.sleep(BUSY_PAUSE, signal);
    }
  }
}
