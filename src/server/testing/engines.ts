import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { databaseOf } from "../db/source.ts";
import type { DatabaseSource } from "../db/source.ts";
import { Store } from "../db/store.ts";
import { silent, temporaryHome } from "./basics.ts";
import { POSTGRES_OF_RUN, Postgres, startPostgres } from "./postgres.ts";
import type { PostgresCluster } from "./postgres.ts";
import { beginDatabase } from "./sqlite.ts";

/** A new database in this version's schema; it goes away with its scope. */
export interface TestDatabase<S extends DatabaseSource = DatabaseSource> extends AsyncDisposable {
  readonly source: S;
  /** A server's view of it; opened again, what the next start of the server finds. */
  open(): Promise<Store>;
}

/** Registers the test twice: on SQLite, and on a real PostgreSQL, which other tests use at the same time. */
export function onEveryEngine(name: string, body: (database: TestDatabase) => Promise<void>): void {
  for (const [engine, create] of Object.entries({ SQLite: sqliteDatabase, PostgreSQL: postgresDatabase })) {
    test(`${name} (${engine})`, async () => {
      await using database = await create();
      await body(database);
    });
  }
}

export async function sqliteDatabase(): Promise<TestDatabase<{ kind: "sqlite"; path: string }>> {
  const home = await temporaryHome();
  const source = { kind: "sqlite", path: join(home.path, "makima.db") } as const;
  const open = async () => {
    await beginDatabase(source.path);
    return openSource(source);
  };
  return { source, open, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

export async function postgresDatabase(postgres?: Postgres): Promise<TestDatabase<{ kind: "postgres"; url: string }>> {
  const cluster = postgres ?? (await sharedPostgres());
  const source = { kind: "postgres", url: await cluster.createDatabase() } as const;
  const drop = () => cluster.administer(`drop database ${databaseOf(source.url)} with (force)`);
  return { source, open: () => openSource(source), [Symbol.asyncDispose]: drop };
}

/** The one of the whole test run; of this file, started when it is first needed, where the run has none. */
export function sharedPostgres(): Promise<Postgres> {
  const home = process.env[POSTGRES_OF_RUN];
  if (home !== undefined) return Promise.resolve(new Postgres(home));
  own ??= startPostgres();
  return own;
}

let own: Promise<PostgresCluster> | null = null;

after(async () => {
  await (await own)?.[Symbol.asyncDispose]();
});

/** A server's view of a database. */
export function openSource(source: DatabaseSource): Promise<Store> {
  return Store.open(source, systemClock, silent);
}
