import type { Clock } from "../../../platform/clock.ts";
import type { Db, Engine, Write } from "../engine.ts";
import type { Wakeups } from "../wakeups.ts";
import { openSqliteFile } from "./open.ts";

/** A file of this machine, for one server: its only connection is what makes write transactions follow each other. */
export class SqliteEngine implements Engine {
  readonly db: Db;
  readonly shared = false;
  /** A file does not go away: what fails, fails. */
  readonly away = null;
  readonly #clock: Clock;
  readonly #wakeups: Wakeups;

  private constructor(db: Db, clock: Clock, wakeups: Wakeups) {
    this.db = db;
    this.#clock = clock;
    this.#wakeups = wakeups;
  }

  static async open(path: string, clock: Clock, wakeups: Wakeups): Promise<SqliteEngine> {
    const { db } = await openSqliteFile(path);
    return new SqliteEngine(db, clock, wakeups);
  }

  async available(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
  }

  async write<T>(work: (tx: Write) => Promise<T>): Promise<T> {
    const topics = new Set<string>();
    const result = await this.db
      .transaction()
      .execute((db) => work({ db, now: this.#clock.now(), wake: (topic) => topics.add(topic) }));
    for (const topic of topics) this.#wakeups.emit(topic);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.destroy();
  }
}
