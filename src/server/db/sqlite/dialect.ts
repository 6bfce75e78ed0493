import { CompiledQuery, SqliteAdapter, SqliteDialect, SqliteDriver } from "kysely";
import type { DatabaseConnection, SqliteDatabase, SqliteStatement } from "kysely";
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, StatementSync } from "node:sqlite";

/** Compiled statements kept per database; above the number of distinct statements that makima issues while it works. */
const CACHED_STATEMENTS = 256;

/** Waits this long (ms) for another process that holds the database, such as a backup. */
const BUSY_TIMEOUT = 5_000;

/** Opens the file with the settings that every guarantee rests on: an acknowledged transaction survives a power cut. */
export function openSqlite(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Kysely's SQLite dialect, over the driver that is part of Node. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: betterSqliteShape(database) });
    this.#database = database;
  }

  override createDriver(): SqliteDriver {
    return new NodeSqliteDriver(this.#database);
  }

  override createAdapter(): SqliteAdapter {
    return new NodeSqliteAdapter();
  }
}

class NodeSqliteDriver extends SqliteDriver {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: betterSqliteShape(database) });
    this.#database = database;
  }

  /** IMMEDIATE: a transaction that only finds out at its first write that it must wait cannot wait any more. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  /** After some errors (a full disk) SQLite has rolled back by itself; a second rollback would hide the cause. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

class NodeSqliteAdapter extends SqliteAdapter {
  /** SQLite's DDL is transactional, which Kysely does not use by default: a migration must be whole or absent. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Kysely speaks to better-sqlite3; this is the part of that interface which it uses. */
function betterSqliteShape(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare(sql) {
      const cached = statements.get(sql);
      if (cached !== undefined) return cached;
      if (statements.size >= CACHED_STATEMENTS) statements.clear();
      const statement = statementShape(database.prepare(sql));
      statements.set(sql, statement);
      return statement;
    },
  };
}

function statementShape(statement: StatementSync): SqliteStatement {
  // Kysely passes values through untyped; SQLite itself refuses what it cannot store.
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
