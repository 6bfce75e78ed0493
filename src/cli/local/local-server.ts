import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorFromBody } from "../../client/client.ts";
import type { Endpoint } from "../../client/client.ts";
import { MakimaError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import type { Paths } from "../../platform/config/paths.ts";
import { formatDuration, MINUTE, SECOND } from "../../platform/config/units.ts";
import { isErrno } from "../../platform/files.ts";
import { acquireLock } from "../../platform/lock.ts";
import { selfCommand, spawnBackground } from "../../platform/process/background.ts";
import { clientFor } from "../http.ts";
import { prepareHome } from "./home.ts";
import { localEndpoint, readServerFile } from "./server-file.ts";
import { alreadyRunning } from "./server-lock.ts";

/** A server that nobody needs any more must not stay for ever. */
const IDLE_EXIT = 30 * MINUTE;

/** A start takes a fraction of a second; this is for a machine that is swapping. */
const START_WITHIN = 30 * SECOND;
const LOOK_EVERY = 25;

export interface BackgroundServer {
  env: Record<string, string | undefined>;
  loaded: LoadedConfig;
  /** Flags of `makima up` that are handed on. */
  flags?: string[];
}

/**
 * The local server, started in the background when none runs; of several who want that at once only one starts it. Throws
 * `already_running` where there are flags and another one runs: what was asked for, such as a sandbox, would not hold.
 */
export async function ensureLocalServer(options: BackgroundServer): Promise<Endpoint> {
  const paths = pathsIn(options.loaded.home);
  // Before anything is looked for in it: what cannot be a directory is refused here, in words.
  await prepareHome(paths);
  const running = await findLocalServer(paths);
  if (running !== null) return acceptOther(running, paths, options);

  const deadline = performance.now() + START_WITHIN;
  for (;;) {
    await using starting = await acquireLock(join(paths.home, "start.lock"));
    const found = await findLocalServer(paths);
    if (found !== null) return await acceptOther(found, paths, options);
    if (starting !== null) return await startServer(paths, options, deadline);
    if (performance.now() > deadline) throw notReady(paths);
    await systemClock.sleep(LOOK_EVERY);
  }
}

/** The local server if it runs and answers. */
export async function findLocalServer(paths: Paths): Promise<Endpoint | null> {
  const file = await readServerFile(paths);
  // A killed server's port may be another user's by now, who is not to be shown the key.
  if (file === null || !isAlive(file.pid)) return null;
  const endpoint = await localEndpoint(paths);
  if (endpoint === null) return null;
  try {
    await clientFor(endpoint).call("serverInfo", {});
    return endpoint;
  } catch (error) {
    if (!(error instanceof MakimaError)) throw error;
    // Nobody there, or after a crash another program on its old port: either way not our server.
    return BUSY.includes(error.code) ? endpoint : null;
  }
}

/** What only a server that runs answers; whoever calls it will wait, or say so. */
const BUSY: readonly ErrorCode[] = ["database_unavailable", "rate_limited"];

async function startServer(paths: Paths, options: BackgroundServer, deadline: number): Promise<Endpoint> {
  const logged = await sizeOf(paths.upLog);
  const pid = spawnBackground(upCommand(options), { cwd: paths.home, env: options.env, logFile: paths.upLog });
  for (;;) {
    const endpoint = await findLocalServer(paths);
    if (endpoint !== null) {
      const isOurs = (await readServerFile(paths))?.pid === pid;
      return isOurs ? endpoint : await acceptOther(endpoint, paths, options);
    }
    if (!isAlive(pid)) await throwItsError(paths, logged);
    if (performance.now() > deadline) throw notReady(paths);
    await systemClock.sleep(LOOK_EVERY);
  }
}

async function acceptOther(other: Endpoint, paths: Paths, { flags = [] }: BackgroundServer): Promise<Endpoint> {
  if (flags.length > 0) throw await alreadyRunning(paths);
  return other;
}

function upCommand({ loaded, flags = [] }: BackgroundServer): string[] {
  // A port that somebody chose is a promise to others, and taken means failure; the default one is only a habit.
  const portChosen = loaded.sources.has("server.port") || flags.includes("--port");
  return [
    ...selfCommand(),
    "up",
    "--json",
    "--idle-exit",
    formatDuration(IDLE_EXIT),
    ...(portChosen ? [] : ["--any-port"]),
    ...(loaded.file === null ? [] : ["--config", loaded.file]),
    ...flags,
  ];
}

/** Raises again what the server wrote to its log as its last words. */
async function throwItsError(paths: Paths, logged: number): Promise<void> {
  const log = await readFile(paths.upLog);
  const lines = log.subarray(logged).toString("utf8").split("\n");
  const error = lines.map(errorIn).findLast((found) => found !== null);
  // Another `makima up` was faster: it will be found in a moment.
  if (error?.code === "already_running") return;
  throw error ?? new MakimaError("unavailable", "The local server ended at its start", { hint: `See ${paths.upLog}.` });
}

function errorIn(line: string): MakimaError | null {
  if (!line.startsWith('{"error":')) return null;
  try {
    const { error } = JSON.parse(line) as { error: Parameters<typeof errorFromBody>[0] };
    return errorFromBody(error);
  } catch {
    return null;
  }
}

function notReady(paths: Paths): MakimaError {
  return new MakimaError("unavailable", `The local server is not ready after ${formatDuration(START_WITHIN)}`, {
    hint: `See ${paths.upLog}.`,
  });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
