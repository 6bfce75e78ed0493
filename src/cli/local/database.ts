import { resolve } from "node:path";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import { SECOND } from "../../platform/config/units.ts";
import type * as Admin from "../../server/db/admin.ts";
import type { DatabaseSource } from "../../server/db/source.ts";
import { text } from "../command.ts";
import { readConfig } from "../connect.ts";
import type { Context } from "../context.ts";
import { inline } from "../format.ts";
import type { Output } from "../output.ts";
import { prepareHome } from "./home.ts";
import { lockServer } from "./server-lock.ts";

/** Options of every command that works on a database itself. */
export const DATABASE_OPTIONS = {
  databaseUrl: text("--database-url <url>", "PostgreSQL database (default: as configured, else the local SQLite file)"),
  config: text("--config <file>", "Configuration file to read"),
};

export interface DatabaseFlags {
  databaseUrl: string | null;
  config: string | null;
}

/** The configuration with the database that a flag names. */
export async function readDatabaseConfig(context: Context, flags: DatabaseFlags): Promise<LoadedConfig> {
  const loaded = await readConfig(context, flags);
  const { databaseUrl: url } = flags;
  if (url === null) return loaded;
  const parsed = URL.parse(url);
  if (parsed !== null && (parsed.password !== "" || parsed.searchParams.has("password"))) {
    context.output.warning("the list of processes shows everybody on this machine the password in --database-url");
    context.output.error("hint: MAKIMA_DATABASE_URL, or [database] url in the configuration, keeps it out of there.");
  }
  return { ...loaded, config: { ...loaded.config, database: { url } } };
}

/** Where the server of this configuration keeps everything. */
export function sourceOf({ config, home }: LoadedConfig): DatabaseSource {
  const { url } = config.database;
  return url === null ? { kind: "sqlite", path: pathsIn(home).db } : { kind: "postgres", url };
}

export interface Administration {
  loaded: LoadedConfig;
  /** Whether no local server may be running meanwhile. */
  alone: boolean;
}

/** Loads what looks after databases, and works with it. */
export async function administer<T>(
  { loaded, alone }: Administration,
  work: (admin: typeof Admin, source: DatabaseSource) => Promise<T>,
): Promise<T> {
  const paths = pathsIn(loaded.home);
  await using resources = new AsyncDisposableStack();
  if (alone) {
    await prepareHome(paths);
    resources.use(await lockServer(paths));
  }
  return await work(await import("../../server/db/admin.ts"), sourceOf(loaded));
}

/** Whether a path names the local server's own database. */
export function isLocalDatabase({ cwd }: Context, { home }: LoadedConfig, path: string): boolean {
  return resolve(cwd, path) === pathsIn(home).db;
}

/** Throws what keeps a server from using the database, having changed nothing. */
export async function reachPostgres(source: Extract<DatabaseSource, { kind: "postgres" }>): Promise<void> {
  const { openPatiently } = await import("../../server/db/postgres/open.ts");
  await using _ = await openPatiently(source);
}

/** A line now and then, of how far a table is, for someone who watches. */
export function tableProgress(output: Output): (table: string, rows: number) => void {
  let told = performance.now();
  return (table, rows) => {
    if (performance.now() - told < SECOND) return;
    told = performance.now();
    output.progress(`${inline(table)}: ${rows.toLocaleString("en")} rows`);
  };
}
