import { rm } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import type { Paths } from "../../platform/config/paths.ts";
import { readJson, writeAtomic } from "../../platform/files.ts";
import type { Logger } from "../../platform/log.ts";
import type { RunningServer } from "../../server/server.ts";
import type { Context } from "../context.ts";
import { VERSION } from "../version.ts";
import { sourceOf } from "./database.ts";
import { prepareHome } from "./home.ts";
import { createLog, stopRequest } from "./process.ts";
import { writeServerFile } from "./server-file.ts";
import { lockServer } from "./server-lock.ts";
import { joinServer } from "./work.ts";

export interface ServeOptions {
  /** With what the command line says otherwise. */
  loaded: LoadedConfig;
  /** Take any free port when the configured one is taken. */
  anyPort: boolean;
  /** Ends after this long (ms) without live tasks or clients; null: never. */
  idleExit: number | null;
  withDaemon: boolean;
}

/** Runs the server, and a daemon beside it, until a signal, a shutdown request or idleness; agents go on after it. */
export async function serve(context: Context, options: ServeOptions): Promise<void> {
  const paths = pathsIn(options.loaded.home);
  const log = createLog(context, options.loaded);
  await prepareHome(paths);
  using stop = stopRequest(context);
  // Disposed in reverse: nobody finds the server any more, then the daemon lets go, then the server, the lock last.
  await using running = new AsyncDisposableStack();
  running.use(await lockServer(paths));
  // A killed server left it behind; this one, on the same port, must not be taken for ready because of it.
  await rm(paths.serverJson, { force: true });
  const server = running.use(await listen(context, paths, options, log));
  if (options.withDaemon) {
    running.use(
      await joinServer({ context, loaded: options.loaded, serverUrl: server.url, key: server.daemonKey, log }),
    );
  }
  const startedAt = systemClock.now();
  await writeServerFile(paths, { pid: process.pid, url: server.url, version: VERSION, startedAt });
  running.defer(() => rm(paths.serverJson, { force: true }));

  await announce(context, server);
  const ended = new AbortController();
  running.defer(() => ended.abort());
  await Promise.race([stop.requested, server.onShutdownRequest, idleness(server, options.idleExit, ended.signal)]);
}

async function listen(context: Context, paths: Paths, options: ServeOptions, log: Logger): Promise<RunningServer> {
  const { startServer } = await import("../../server/server.ts");
  const { loaded } = options;
  const settings = {
    ...loaded.config.server,
    database: sourceOf(loaded),
    paths,
    notifications: loaded.config.notifications,
    retention: loaded.config.retention,
    environment: context.env,
    lostAfterMs: loaded.config.daemon.lostAfterMs,
    log,
    clock: systemClock,
    version: VERSION,
  };
  const ports = options.anyPort ? [...(await lastPort(paths)), settings.port, 0] : [settings.port];
  for (const [index, port] of ports.entries()) {
    try {
      const server = await startServer({ ...settings, port });
      await keepPort(paths, server.url);
      return server;
    } catch (error) {
      const taken = error instanceof MakimaError && error.code === "port_taken";
      if (!taken || index === ports.length - 1) throw error;
    }
  }
  throw new Error("no port was tried");
}

/** An agent that outlives the server goes on with the address that it was given, so the next server is to have the same. */
async function lastPort(paths: Paths): Promise<number[]> {
  const port: unknown = await readJson(paths.serverPort);
  return typeof port === "number" && port > 0 ? [port] : [];
}

async function keepPort(paths: Paths, url: string): Promise<void> {
  const { port } = new URL(url);
  if (port !== "") await writeAtomic(paths.serverPort, port);
}

async function announce({ output }: Context, server: RunningServer): Promise<void> {
  const { url } = server;
  output.line(`makima is running at ${url}`);
  // Not in the document: in the background that goes to a log.
  if (!output.json) output.line(`Log in with a browser, once and within minutes: ${await server.createLoginLink()}`);
  output.progress("Ctrl-C or `makima down` stops it; agents that are at work go on.");
  output.document({ url, pid: process.pid, version: VERSION });
}

/** Resolves after the server has had nothing to do for `limit`; rejects only when `ended` aborts, for nobody to see. */
async function idleness(server: RunningServer, limit: number | null, ended: AbortSignal): Promise<void> {
  if (limit === null) return new Promise(() => {});
  for (;;) {
    const { since } = server.idle();
    const left = since === null ? limit : since + limit - systemClock.now();
    if (left <= 0) return;
    await systemClock.sleep(left, ended);
  }
}
