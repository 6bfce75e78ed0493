import type { Kysely } from "kysely";
import { Migrator } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { MIGRATIONS, migrationProvider } from "./migrations.ts";
import type { Tables } from "./tables.ts";

/** Brings the database up to this version's schema, and gives the names of what that took. Servers may do it at once. */
export async function migrate(db: Kysely<Tables>): Promise<string[]> {
  const { error, results = [] } = await new Migrator({ db, provider: migrationProvider }).migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error("migration failed", { cause: error });
  return results.map(({ migrationName }) => migrationName);
}

/** `applied`: the migrations that a database has. Throws `database_newer` where this version does not know them all. */
export function refuseNewer(name: string, applied: readonly string[]): void {
  const unknown = applied.filter((migration) => !Object.hasOwn(MIGRATIONS, migration));
  if (unknown.length === 0) return;
  throw new MakimaError("database_newer", `${name} is from a newer makima (it has ${unknown.join(", ")})`);
}

/** The migrations of this version that are not among `applied`. */
export function missingMigrations(applied: readonly string[]): string[] {
  return Object.keys(MIGRATIONS).filter((migration) => !applied.includes(migration));
}
