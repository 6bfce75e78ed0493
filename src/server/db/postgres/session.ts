import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type { PoolClient, QueryResult as Answer } from "pg";
import { escapeLiteral } from "pg";
import { ConnectionLost } from "./errors.ts";

/** Advisory lock of all write transactions of the database, whatever server makes them; any number will do. */
const WRITE_LOCK = "7017310466120517995";

const BEGIN_WRITE = [
  "begin isolation level read committed read write",
  `select pg_advisory_xact_lock(${WRITE_LOCK})`,
  // A statement of its own: its clock is read, and its snapshot taken, after the lock was waited for.
  "select floor(extract(epoch from clock_timestamp()) * 1000)::int8 as now",
].join("; ");

const CHANNEL = "makima";

/** What listens for the notices of `commitWith`. */
export const LISTEN = `listen ${CHANNEL}`;

/** One use of a connection of the pool. */
export class PostgresSession implements DatabaseConnection {
  /** When the write transaction got the lock, by the clock of the database, epoch ms. */
  now = 0;
  readonly #client: PoolClient;
  readonly #explain: (error: unknown) => unknown;
  #lost = false;
  #last: readonly string[] = [];

  /** `explain` turns what the driver throws into what is to be thrown. */
  constructor(client: PoolClient, explain: (error: unknown) => unknown) {
    this.#client = client;
    this.#explain = explain;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.#ask<R>(sql, parameters.map(storable));
    return WRITING.includes(command) ? { numAffectedRows: BigInt(rowCount ?? 0), rows } : { rows };
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new Error("Rows are read in batches, not streamed");
  }

  /** Begins a transaction that no other write transaction runs beside, in one round trip. */
  async beginWrite(): Promise<void> {
    try {
      const { rows } = await this.#ask<{ now: number }>(BEGIN_WRITE);
      this.now = rows[0]?.now ?? 0;
    } catch (error) {
      // The lock may have been refused to a transaction that has begun.
      await this.rollback();
      throw error;
    }
  }

  async begin(characteristics: string): Promise<void> {
    await this.#ask(`begin ${characteristics}`);
  }

  /** What the commit takes along in its round trip: statements, and notices to all who listen. */
  commitWith(statements: readonly string[], notices: readonly string[]): void {
    this.#last = [
      ...statements,
      ...notices.map((notice) => `select pg_notify('${CHANNEL}', ${escapeLiteral(notice)})`),
    ];
  }

  async commit(): Promise<void> {
    const { command } = await this.#ask([...this.#last, "commit"].join("; "));
    // PostgreSQL answers the commit of a transaction in which a statement failed by rolling it back, without an error.
    if (command !== "COMMIT") throw new Error("A statement of the transaction had failed: it was rolled back");
  }

  /** Never fails: a lost connection rolls back by itself. */
  async rollback(): Promise<void> {
    if (this.#lost) return;
    await this.#client.query("rollback").catch(() => (this.#lost = true));
  }

  release(): void {
    this.#client.release(this.#lost);
  }

  /** The answer to the last of the statements in `sql`. */
  async #ask<R>(sql: string, parameters?: unknown[]): Promise<Answer<R & object>> {
    try {
      // Several statements get a list of answers, of which the types know nothing.
      const answer = (await this.#client.query(sql, parameters)) as Answer | Answer[];
      const last = Array.isArray(answer) ? answer.at(-1) : answer;
      if (last === undefined) throw new Error("PostgreSQL gave no answer");
      return last;
    } catch (error) {
      const explained = this.#explain(error);
      this.#lost ||= explained instanceof ConnectionLost;
      throw explained;
    }
  }
}

const WRITING: readonly string[] = ["INSERT", "UPDATE", "DELETE", "MERGE"];

/** PostgreSQL's text holds every character but NUL, which agents do print: it must not keep a whole append out. */
function storable(value: unknown): unknown {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;
}
