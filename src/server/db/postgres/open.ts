import type { Kysely } from "kysely";
import { sql } from "kysely";
import { MakimaError } from "../../../core/errors.ts";
import { systemClock } from "../../../platform/clock.ts";
import { migrate, refuseNewer } from "../migrate.ts";
import { nameOf } from "../source.ts";
import type { DatabaseSource } from "../source.ts";
import type { Tables } from "../tables.ts";
import { connectPostgres } from "./dialect.ts";
import { ConnectionLost, refusalOf } from "./errors.ts";
import { patientSettings } from "./settings.ts";

export type PostgresSource = Extract<DatabaseSource, { kind: "postgres" }>;

/**
 * Brings a database up to this version's schema, and gives the migrations that this took. Throws `database_unavailable`
 * (it does not answer, refuses us, or cannot be used as it is) or `database_newer`, naming it without its password.
 */
export async function preparePostgres(source: PostgresSource): Promise<string[]> {
  await using db = await openPatiently(source);
  const applied = await migrate(db).catch((error: unknown) => {
    throw refusalOf(error, nameOf(source)) ?? error;
  });
  await createWriters(db);
  return applied;
}

/** One connection without time limits, to a database that is fit for use and not newer than this version. */
export async function openPatiently(source: PostgresSource): Promise<Kysely<Tables>> {
  const name = nameOf(source);
  const nothing = () => {};
  const db = connectPostgres({ settings: patientSettings(source.url), name, admit: nothing, lost: nothing });
  try {
    const facts = await reach(db, name);
    const problem = PROBLEMS.find(({ holds }) => holds(facts));
    if (problem !== undefined) throw new MakimaError("database_unavailable", `The ${name} ${problem.what}`, problem);
    refuseNewer(`The ${name}`, await appliedMigrations(db));
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** How long a start waits for a database that is being started at the same time. */
const REACHED_WITHIN_MS = 5_000;
const PAUSE_MS = 200;

interface Facts {
  version: number;
  encoding: string;
  standby: boolean;
  readOnly: boolean;
}

const PROBLEMS: readonly { holds: (facts: Facts) => boolean; what: string; hint: string }[] = [
  {
    holds: ({ version }) => version < 130_000,
    what: "is too old",
    hint: "makima needs PostgreSQL 13 or later.",
  },
  {
    holds: ({ encoding }) => encoding !== "UTF8",
    what: "has an encoding other than UTF8",
    hint: "Create another: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0.",
  },
  {
    holds: ({ standby }) => standby,
    what: "is a read-only standby",
    hint: "Name the primary server in the database URL.",
  },
  {
    holds: ({ readOnly }) => readOnly,
    what: "is read-only",
    hint: "Set default_transaction_read_only to off for it, and for its user.",
  },
];

async function reach(db: Kysely<Tables>, name: string): Promise<Facts> {
  const deadline = performance.now() + REACHED_WITHIN_MS;
  for (;;) {
    try {
      return await readFacts(db);
    } catch (error) {
      const refusal = refusalOf(error, name);
      if (refusal !== null) throw refusal;
      if (!(error instanceof ConnectionLost) || performance.now() > deadline) throw error;
    }
    await systemClock.sleep(PAUSE_MS);
  }
}

async function readFacts(db: Kysely<Tables>): Promise<Facts> {
  const { rows } = await sql<Facts>`
    select
      current_setting('server_version_num')::int as version,
      current_setting('server_encoding') as encoding,
      pg_is_in_recovery() as standby,
      current_setting('default_transaction_read_only') = 'on' as "readOnly"
  `.execute(db);
  const [facts] = rows;
  if (facts === undefined) throw new Error("PostgreSQL gave no answer");
  return facts;
}

export async function appliedMigrations(db: Kysely<Tables>): Promise<string[]> {
  const { rows: tables } = await sql<{ there: boolean }>`
    select to_regclass('kysely_migration') is not null as there
  `.execute(db);
  if (tables[0]?.there !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** After how long a writer that was killed is forgotten; one at work renews its row with everything it writes. */
const FORGOTTEN_AFTER = "7 days";

/**
 * Which of its transactions each server has committed last: this tells a server whose connection broke during a commit
 * what has become of it. No migration has it, for SQLite has no such connections.
 */
async function createWriters(db: Kysely<Tables>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`
      create table if not exists writers (id text primary key, number bigint not null, at timestamptz not null)
    `.execute(tx);
    await sql`delete from writers where at < now() - ${FORGOTTEN_AFTER}::interval`.execute(tx);
  });
}
