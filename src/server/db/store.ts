import type { Clock } from "../../platform/clock.ts";
import { defaultConfig } from "../../platform/config/config.ts";
import type { NotificationsConfig } from "../../platform/config/config.ts";
import type { Logger } from "../../platform/log.ts";
import type { Fact } from "../metrics/facts.ts";
import { Metrics } from "../metrics/metrics.ts";
import type { Away, Db, Engine, Write as EngineWrite } from "./engine.ts";
import { PostgresEngine } from "./postgres/engine.ts";
import type { DatabaseSource } from "./source.ts";
import { SqliteEngine } from "./sqlite/engine.ts";
import { Wakeups } from "./wakeups.ts";

export type { Away, Db } from "./engine.ts";

export interface Write extends EngineWrite {
  /** What people are told of, and where: a notification belongs to the transaction of what it tells. */
  readonly notifications: NotificationsConfig;
  /** Counts what has happened, if and when the transaction has been committed. */
  count(fact: Fact): void;
}

/** The database, the same to everybody whichever engine it runs on. */
export class Store implements AsyncDisposable {
  /** Of this server's transactions and, where the database is shared, of the other servers'. */
  readonly wakeups: Wakeups;
  readonly clock: Clock;
  /** What this server counts and measures. */
  readonly metrics = new Metrics();
  readonly #engine: Engine;
  readonly #notifications: NotificationsConfig;
  #commits = 0;

  private constructor(engine: Engine, clock: Clock, wakeups: Wakeups, notifications: NotificationsConfig) {
    this.#engine = engine;
    this.clock = clock;
    this.wakeups = wakeups;
    this.#notifications = notifications;
  }

  /** Opens the database in this version's schema. Throws what openSqliteFile or preparePostgres throw. */
  static async open(
    source: DatabaseSource,
    clock: Clock,
    log: Logger,
    notifications: NotificationsConfig = defaultConfig().notifications,
  ): Promise<Store> {
    const wakeups = new Wakeups();
    const engine =
      source.kind === "sqlite"
        ? await SqliteEngine.open(source.path, { clock, log, wakeups })
        : await PostgresEngine.open(source, { clock, log, wakeups });
    return new Store(engine, clock, wakeups, notifications);
  }

  /** For reading. A query throws `database_unavailable` while the database is away. */
  get db(): Db {
    return this.#engine.db;
  }

  /** Other servers may be working on the same database. */
  get shared(): boolean {
    return this.#engine.shared;
  }

  /** Changes with everything that is written; null where others write too, and it cannot be known. */
  get revision(): number | null {
    return this.shared ? null : this.#commits;
  }

  /** null: the database answers. DATABASE_TOPIC is woken when this changes; everything is when it is back. */
  get away(): Away | null {
    return this.#engine.away;
  }

  /** Resolves as soon as the database answers; rejects with the reason of `signal` when that aborts. */
  available(signal?: AbortSignal): Promise<void> {
    return this.#engine.available(signal);
  }

  /**
   * Runs `work` in one transaction: when the promise resolves, everything in it is on the disk. Write transactions come
   * one after the other, over all servers. `work` may run again when the connection was lost before it was committed, so
   * it must do nothing but read and write through `tx`. Throws `database_unavailable` when the database went away; only
   * when it stays away for long is it then unknown whether `work` was committed.
   */
  async write<T>(work: (tx: Write) => Promise<T>): Promise<T> {
    let facts: Fact[] = [];
    const result = await this.#engine.write((tx) => {
      facts = [];
      return work({ ...tx, notifications: this.#notifications, count: (fact) => facts.push(fact) });
    });
    this.#commits += 1;
    for (const fact of facts) this.metrics.count(fact);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
  }
}
