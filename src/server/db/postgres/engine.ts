import { sql } from "kysely";
import { randomUUID } from "node:crypto";
import { escapeLiteral } from "pg";
import { MakimaError } from "../../../core/errors.ts";
import { systemClock } from "../../../platform/clock.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Logger } from "../../../platform/log.ts";
import { Turns } from "../../turns.ts";
import type { Away, Db, Engine, Write } from "../engine.ts";
import { nameOf } from "../source.ts";
import type { Wakeups } from "../wakeups.ts";
import { Availability } from "./availability.ts";
import { connectPostgres, sessionOf } from "./dialect.ts";
import { ConnectionLost, explainPostgres } from "./errors.ts";
import { decodeNotice, encodeNotices } from "./notices.ts";
import { preparePostgres } from "./open.ts";
import type { PostgresSource } from "./open.ts";
import { workingSettings } from "./settings.ts";
import { Watch } from "./watch.ts";

export interface EngineOptions {
  clock: Clock;
  log: Logger;
  wakeups: Wakeups;
}

/** How often a transaction is tried whose connection was lost; a database that comes and goes is left to the caller. */
const TRIES = 3;

/** How long a writer waits for a database that went away; a person or a daemon waits for the answer (ms). */
const BACK_WITHIN = 2_000;

/** The same where the commit was sent already: to say that it failed when it did not would be worse than to wait (ms). */
const FATE_WITHIN = 20_000;
const FATE_PAUSE = 100;

/** What a transaction amounts to once it is committed. */
interface Commit<T> {
  result: T;
  topics: ReadonlySet<string>;
  /** What its row in `writers` then holds. */
  writer: string;
  number: number;
}

/** How an attempt ended. In doubt: the connection was lost when the transaction was being committed. */
type Attempt<T> =
  | { kind: "committed"; commit: Commit<T> }
  | { kind: "in-doubt"; commit: Commit<T>; error: ConnectionLost }
  | { kind: "lost"; error: ConnectionLost };

/** A PostgreSQL database, shared by any number of servers. */
export class PostgresEngine implements Engine {
  readonly shared = true;
  /** Tells this server's notices from all others'. */
  readonly #id = randomUUID();
  readonly #db: Db;
  readonly #availability: Availability;
  readonly #wakeups: Wakeups;
  /** Writers wait for their turn here, not for the lock with a connection each that readers would then lack. */
  readonly #turns = new Turns();
  #watch: Watch | null = null;
  /** Its row in `writers`. Another one after a commit in doubt, so that nothing is written over what tells its fate. */
  #writer = randomUUID();
  /** Of the last transaction that was begun. */
  #number = 0;

  private constructor(source: PostgresSource, { clock, log, wakeups }: EngineOptions) {
    this.#wakeups = wakeups;
    this.#availability = new Availability(clock, log, wakeups);
    const name = nameOf(source);
    this.#db = connectPostgres({
      settings: workingSettings(source.url),
      name,
      admit: () => this.#admit(name),
      lost: (problem) => {
        this.#availability.leave(problem);
        this.#watch?.doubt();
      },
    });
  }

  /** Throws what preparePostgres throws. */
  static async open(source: PostgresSource, options: EngineOptions): Promise<PostgresEngine> {
    await preparePostgres(source);
    const engine = new PostgresEngine(source, options);
    try {
      engine.#watch = await Watch.start({
        settings: workingSettings(source.url),
        heard: (payload) => engine.#hear(payload),
        away: (problem) => engine.#availability.leave(problem),
        back: () => engine.#availability.return(),
      });
      return engine;
    } catch (error) {
      throw explainPostgres(error, nameOf(source));
    }
  }

  get db(): Db {
    return this.#db;
  }

  get away(): Away | null {
    return this.#availability.away;
  }

  available(signal?: AbortSignal): Promise<void> {
    return this.#availability.available(signal);
  }

  async write<T>(work: (tx: Write) => Promise<T>): Promise<T> {
    for (let left = TRIES; ; left -= 1) {
      const attempt = await this.#turns.take(() => this.#attempt(work));
      if (attempt.kind === "committed" || (attempt.kind === "in-doubt" && (await this.#wasCommitted(attempt)))) {
        for (const topic of attempt.commit.topics) this.#wakeups.emit(topic);
        return attempt.commit.result;
      }
      if (left <= 1 || !(await this.#availability.within(BACK_WITHIN))) throw attempt.error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#db.destroy();
  }

  /** While it is away only the watch asks: everybody else would just wait for the same failure. */
  #admit(name: string): void {
    const { away } = this.#availability;
    if (away !== null) throw new ConnectionLost(name, new Error(away.problem));
  }

  #hear(payload: string): void {
    const { from, topics } = decodeNotice(payload);
    if (from === this.#id) return;
    if (topics === null) this.#wakeups.emitAll();
    else for (const topic of topics) this.#wakeups.emit(topic);
  }

  async #attempt<T>(work: (tx: Write) => Promise<T>): Promise<Attempt<T>> {
    this.#number += 1;
    const trace: { commit: Commit<T> | null } = { commit: null };
    try {
      const commit = await this.#db.transaction().execute(async (db) => {
        const session = await sessionOf(db);
        const topics = new Set<string>();
        const result = await work({ db, now: session.now, wake: (topic) => topics.add(topic) });
        session.commitWith([markOf(this.#writer, this.#number)], encodeNotices(this.#id, topics));
        trace.commit = { result, topics, writer: this.#writer, number: this.#number };
        return trace.commit;
      });
      return { kind: "committed", commit };
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      if (trace.commit === null) return { kind: "lost", error };
      this.#writer = randomUUID();
      return { kind: "in-doubt", commit: trace.commit, error };
    }
  }

  /** Throws what lost the connection when it stays unknown. */
  async #wasCommitted({ commit, error }: { commit: Commit<unknown>; error: ConnectionLost }): Promise<boolean> {
    const deadline = performance.now() + FATE_WITHIN;
    while (await this.#availability.within(deadline - performance.now())) {
      const last = await this.#lastCommit(commit.writer);
      if (last !== null) return last === commit.number;
      await systemClock.sleep(FATE_PAUSE);
    }
    throw error;
  }

  /** Number of the writer's last transaction, 0 for none; null when the database cannot tell now. */
  async #lastCommit(writer: string): Promise<number | null> {
    try {
      // As a write transaction it gets the lock only after the transaction in doubt has let go of it, one way or another.
      return await this.#db.transaction().execute(async (tx) => {
        const { rows } = await sql<{ number: number }>`select number from writers where id = ${writer}`.execute(tx);
        return rows[0]?.number ?? 0;
      });
    } catch (error) {
      if (error instanceof MakimaError && error.code === "database_unavailable") return null;
      throw error;
    }
  }
}

/** Takes part in the commit's own round trip. */
function markOf(writer: string, number: number): string {
  return `
    insert into writers (id, number, at) values (${escapeLiteral(writer)}, ${number}, now())
    on conflict (id) do update set number = excluded.number, at = excluded.at
  `;
}
