import type { FastifyInstance } from "fastify";
import { MakimaError } from "../core/errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { Paths } from "../platform/config/paths.ts";
import type { Logger } from "../platform/log.ts";
import { Activity } from "./activity.ts";
import { ensureKeyFile } from "./auth/key-files.ts";
import { disconnectAll } from "./daemons/daemons.ts";
import { Store } from "./db/store.ts";
import { Dispatcher } from "./dispatch/dispatcher.ts";
import { createApp } from "./http/app.ts";
import { registerLink } from "./link/endpoint.ts";
import { LinkRegistry } from "./link/registry.ts";
import { listen, requireLoopback } from "./listen.ts";
import { GroupCommit } from "./runs/group-commit.ts";
import { Merger } from "./runs/merge.ts";
import { shutdownRequest } from "./shutdown.ts";
import { registerSubscriptions } from "./subscriptions/endpoint.ts";

export interface ServerOptions {
  paths: Pick<Paths, "db" | "userKey" | "daemonKey">;
  /** A loopback address; 0 as `port` takes any free one. */
  host: string;
  port: number;
  /** How others reach this server, for example through a proxy; null: by `host` and `port`. */
  publicUrl: string | null;
  log: Logger;
  clock: Clock;
  version: string;
}

export interface RunningServer extends AsyncDisposable {
  /** Origin at which it answers on this machine. */
  readonly url: string;
  readonly port: number;
  readonly userKey: string;
  readonly daemonKey: string;
  /** Resolves when a client has asked for the shutdown; closing is up to the owner. */
  readonly onShutdownRequest: Promise<void>;
  /** `since`: epoch ms since when there is nothing to do and nobody looks on; null while there is. */
  idle(): { since: number | null };
  /** Leaves runs alone: their agents go on, and their output arrives after the next start. */
  close(): Promise<void>;
}

/**
 * Starts the control plane. Throws what openDatabase throws, `port_taken`, or `config_invalid` for a host that is not
 * loopback; whatever it throws, nothing keeps running.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  requireLoopback(options.host);
  await using resources = new AsyncDisposableStack();
  const { paths, clock, log } = options;
  const store = resources.use(await Store.open(paths.db, clock));
  const userKey = await ensureKeyFile(store, paths.userKey, "user");
  const daemonKey = await ensureKeyFile(store, paths.daemonKey, "daemon");
  await store.write(disconnectAll);

  const activity = resources.use(new Activity(store, clock, log));
  const commits = resources.use(new GroupCommit(store, log));
  const shutdown = resources.use(shutdownRequest(store, clock));
  const facts = { version: options.version, pid: process.pid, startedAt: clock.now() };
  const addresses = () => ({ port: portOf(app), publicUrl: options.publicUrl });
  const app: FastifyInstance = await createApp({ store, activity, addresses, facts, log });
  resources.defer(() => app.close());
  const registry = resources.use(new LinkRegistry());
  registerLink(app, { store, registry, commits, log });
  resources.use(registerSubscriptions(app, { store, activity, log }));
  const url = await listen(app, options.host, options.port);
  resources.use(new Dispatcher(store, options.publicUrl ?? url, log));
  resources.use(new Merger(store, log));

  const owned = resources.move();
  const close = () => owned.disposeAsync();
  return {
    url,
    port: portOf(app),
    userKey,
    daemonKey,
    onShutdownRequest: shutdown.requested,
    idle: () => ({ since: activity.idleSince }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (typeof address === "object" && address !== null) return address.port;
  throw new MakimaError("unavailable", "The server does not listen");
}
