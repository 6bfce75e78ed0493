import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isErrno } from "../../src/platform/files.ts";
import { identify } from "../../src/platform/process/identity.ts";
import { openStore } from "../../src/server/testing/basics.ts";
import { POSTGRES_OF_RUN, startPostgres } from "../../src/server/testing/postgres.ts";
import { SQLITE_OF_RUN } from "../../src/server/testing/sqlite.ts";
import { BUNDLE_OF_RUN } from "./machine.ts";

/** Within the package, as a published command line is: where a sandbox finds it, and all users of the machine. */
const BUNDLES = fileURLToPath(new URL("../../node_modules/.cache/bundles", import.meta.url));

/**
 * What all files of a test run share: one PostgreSQL, an empty SQLite database to copy, and the command line as it is
 * published, which starts in two thirds of the time that the sources take. A file that is run by itself starts its own
 * PostgreSQL, migrates each of its databases and runs the sources.
 */
const shared = new AsyncDisposableStack();

export async function globalSetup(): Promise<void> {
  await sweepBundles();
  const bundle = join(BUNDLES, String(process.pid));
  shared.defer(() => rm(bundle, { recursive: true, force: true }));
  const build = fileURLToPath(new URL("../../scripts/build.ts", import.meta.url));
  const [postgres] = await Promise.all([startPostgres(), promisify(execFile)(process.execPath, [build, bundle])]);
  shared.use(postgres);
  process.env[POSTGRES_OF_RUN] = postgres.home;
  process.env[BUNDLE_OF_RUN] = bundle;
  await (await openStore(bundle))[Symbol.asyncDispose]();
  process.env[SQLITE_OF_RUN] = join(bundle, "makima.db");
}

export async function globalTeardown(): Promise<void> {
  await shared.disposeAsync();
}

/** A test run that was killed has left its own. */
async function sweepBundles(): Promise<void> {
  for (const name of await bundles()) {
    if (identify(Number(name)) === null) await rm(join(BUNDLES, name), { recursive: true, force: true });
  }
}

async function bundles(): Promise<string[]> {
  try {
    return await readdir(BUNDLES);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}
