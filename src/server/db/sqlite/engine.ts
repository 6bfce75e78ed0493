import { MakimaError } from "../../../core/errors.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Logger } from "../../../platform/log.ts";
import type { Db, Engine, Write } from "../engine.ts";
import type { Wakeups } from "../wakeups.ts";
import { isFull, openSqliteFile } from "./open.ts";

export interface SqliteOptions {
  clock: Clock;
  log: Logger;
  wakeups: Wakeups;
}

/** A file of this machine, for one server: its only connection is what makes write transactions follow each other. */
export class SqliteEngine implements Engine {
  readonly db: Db;
  readonly shared = false;
  /** A file does not go away: what fails, fails, and a full disk can still be read from. */
  readonly away = null;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #wakeups: Wakeups;
  #full = false;

  private constructor(path: string, db: Db, { clock, log, wakeups }: SqliteOptions) {
    this.#path = path;
    this.db = db;
    this.#clock = clock;
    this.#log = log;
    this.#wakeups = wakeups;
  }

  static async open(path: string, options: SqliteOptions): Promise<SqliteEngine> {
    const { db } = await openSqliteFile(path);
    return new SqliteEngine(path, db, options);
  }

  async available(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
  }

  async write<T>(work: (tx: Write) => Promise<T>): Promise<T> {
    const topics = new Set<string>();
    try {
      const result = await this.db
        .transaction()
        .execute((db) => work({ db, now: this.#clock.now(), wake: (topic) => topics.add(topic) }));
      this.#tellFull(false);
      for (const topic of topics) this.#wakeups.emit(topic);
      return result;
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#tellFull(true);
      throw new MakimaError("database_unavailable", `The disk is full that holds the database ${this.#path}`, {
        hint: "Make room on that disk; makima goes on by itself then.",
        cause: error,
      });
    }
  }

  /** Everything that writes fails at once then: it is told when it begins and when it is over. */
  #tellFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    if (full) this.#log.error({ path: this.#path }, "the disk of the database is full");
    else this.#log.info({ path: this.#path }, "the disk of the database has room again");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.destroy();
  }
}
