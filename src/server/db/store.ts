import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../platform/clock.ts";
import { openDatabase } from "./open.ts";
import type { Tables } from "./tables.ts";
import { Wakeups } from "./wakeups.ts";

/** What reading needs; a transaction is one too. */
export type Db = Kysely<Tables>;

/** One write transaction. Whoever gets one must not wait for anything but the database: every other query waits too. */
export interface Write {
  readonly db: Transaction<Tables>;
  /** The moment of the transaction, epoch ms. */
  readonly now: number;
  /** Wakes those who listen to the topic, if and when the transaction has been committed. */
  wake(topic: string): void;
}

export class Store implements AsyncDisposable {
  readonly db: Db;
  readonly wakeups = new Wakeups();
  readonly #clock: Clock;

  private constructor(db: Db, clock: Clock) {
    this.db = db;
    this.#clock = clock;
  }

  /** Throws what openDatabase throws. */
  static async open(path: string, clock: Clock): Promise<Store> {
    return new Store(await openDatabase(path), clock);
  }

  /** Runs `work` in one transaction: when the promise resolves, everything in it is on the disk. */
  async write<T>(work: (tx: Write) => Promise<T>): Promise<T> {
    const topics = new Set<string>();
    const result = await this.db
      .transaction()
      .execute((db) => work({ db, now: this.#clock.now(), wake: (topic) => topics.add(topic) }));
    for (const topic of topics) this.wakeups.emit(topic);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.destroy();
  }
}
