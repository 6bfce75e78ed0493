import { Kysely, PostgresDialect } from "kysely";
import type { DatabaseConnection, Driver, TransactionSettings } from "kysely";
import { Pool } from "pg";
import type { PoolConfig } from "pg";
import type { Tables } from "../tables.ts";
import { ConnectionLost, explainPostgres } from "./errors.ts";
import { PostgresSession } from "./session.ts";

export interface ConnectionOptions {
  settings: PoolConfig;
  /** What messages call the database. */
  name: string;
  /** Throws where nothing should be asked now. */
  admit(): void;
  /** A connection was lost, and with it all others were given up. */
  lost(problem: string): void;
}

/** A database on which `transaction()` makes write transactions, unless it is given another isolation level. */
export function connectPostgres(options: ConnectionOptions): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new SerialDialect(options) });
}

/** The session behind a transaction. */
export async function sessionOf(db: Kysely<Tables>): Promise<PostgresSession> {
  return db.getExecutor().provideConnection(async (connection) => asSession(connection));
}

class SerialDialect extends PostgresDialect {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    super({ pool: () => Promise.reject(new Error("The driver has a pool of its own")) });
    this.#options = options;
  }

  override createDriver(): Driver {
    return new SerialDriver(this.#options);
  }
}

class SerialDriver implements Driver {
  readonly #options: ConnectionOptions;
  readonly #ending = new Set<Promise<void>>();
  #pool: Pool;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#pool = createPool(options.settings);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#options.admit();
    const pool = this.#pool;
    try {
      return new PostgresSession(await pool.connect(), (error) => this.#explain(error, pool));
    } catch (error) {
      throw this.#explain(error, pool);
    }
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const session = asSession(connection);
    if (settings.isolationLevel === undefined) await session.beginWrite();
    else await session.begin(`isolation level ${settings.isolationLevel} ${settings.accessMode ?? "read write"}`);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await asSession(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await asSession(connection).rollback();
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    asSession(connection).release();
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#pool.end(), ...this.#ending]);
  }

  #explain(error: unknown, pool: Pool): unknown {
    const explained = explainPostgres(error, this.#options.name);
    // Many queries meet the same end of the world; the first has told of it.
    if (!(explained instanceof ConnectionLost) || pool !== this.#pool) return explained;
    // The other connections have most likely met the same fate: none of them may surprise later.
    this.#pool = createPool(this.#options.settings);
    this.#end(pool);
    this.#options.lost(explained.problem);
    return explained;
  }

  #end(pool: Pool): void {
    const ending = pool.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function createPool(settings: PoolConfig): Pool {
  const pool = new Pool(settings);
  // Without a listener an error would end the process. Whoever uses the connection gets it anyway; of one that nobody
  // uses the pool itself takes leave.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", () => {});
  return pool;
}

/** The driver hands out nothing else. */
function asSession(connection: DatabaseConnection): PostgresSession {
  return connection as PostgresSession;
}
