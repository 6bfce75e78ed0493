import type { FastifyInstance } from "fastify";
import { MakimaError } from "../core/errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { NotificationsConfig } from "../platform/config/config.ts";
import type { Environment, Paths } from "../platform/config/paths.ts";
import type { Logger } from "../platform/log.ts";
import { loginLink } from "../protocol/routes.ts";
import { Activity } from "./activity.ts";
import { ensureKeyFile } from "./auth/key-files.ts";
import { createLogin } from "./auth/logins.ts";
import { hashToken, keyId } from "./auth/tokens.ts";
import { disconnectAll } from "./daemons/identity.ts";
import type { DatabaseSource } from "./db/source.ts";
import { Store } from "./db/store.ts";
import { Dispatcher } from "./dispatch/dispatcher.ts";
import { AppCloser } from "./http/app-closer.ts";
import { createApp } from "./http/app.ts";
import { LeaseKeeper } from "./leases/lease-keeper.ts";
import { registerLink } from "./link/endpoint.ts";
import { LinkRegistry } from "./link/registry.ts";
import { keepSignsOfLife } from "./link/signs-of-life.ts";
import { listen, requireSafeAddress } from "./listen.ts";
import type { ListenOptions } from "./listen.ts";
import { Deliverer } from "./notifications/deliverer.ts";
import { learnWebhookSecrets } from "./notifications/secret.ts";
import { Retention } from "./retention/retention.ts";
import type { RetentionOptions } from "./retention/retention.ts";
import { GroupCommit } from "./runs/group-commit.ts";
import { Merger } from "./runs/merge.ts";
import { ShutdownRequest } from "./shutdown.ts";
import { registerSubscriptions } from "./subscriptions/endpoint.ts";

/** 0 as `port` takes any free one. */
export interface ServerOptions extends ListenOptions {
  database: DatabaseSource;
  paths: Pick<Paths, "userKey" | "daemonKey" | "archive">;
  /** How long a daemon may be offline (ms) before its tasks are given to others. */
  lostAfterMs: number;
  notifications: NotificationsConfig;
  retention: RetentionOptions["rules"];
  /** The server's own: leads to the desktop of its machine. */
  environment: Environment;
  log: Logger;
  clock: Clock;
  version: string;
}

export interface RunningServer extends AsyncDisposable {
  /** Origin at which it answers on this machine; with TLS the public one, which its certificate is for. */
  readonly url: string;
  readonly port: number;
  readonly userKey: string;
  readonly daemonKey: string;
  /** Resolves when a client has asked for the shutdown; closing is up to the owner. */
  readonly onShutdownRequest: Promise<void>;
  /** A link that logs a browser in, once and within a few minutes. */
  createLoginLink(): Promise<string>;
  /** `since`: epoch ms since when there is nothing to do and nobody looks on; null while there is. */
  idle(): { since: number | null };
  /** Leaves runs alone: their agents go on, and their output arrives after the next start. */
  close(): Promise<void>;
}

/**
 * Starts the control plane. Throws what Store.open throws, and what requireSafeAddress, createApp and listen
 * throw; whatever it throws, nothing keeps running.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  requireSafeAddress(options);
  await using resources = new AsyncDisposableStack();
  const { database, paths, notifications, environment, clock, log } = options;
  await learnWebhookSecrets(notifications.webhooks);
  const store = resources.use(await Store.open(database, clock, log, notifications));
  const userKey = await ensureKeyFile(store, paths.userKey, "user");
  const daemonKey = await ensureKeyFile(store, paths.daemonKey, "daemon");
  // The daemons of a shared database may be connected to its other servers.
  if (!store.shared) await store.write(disconnectAll);

  const activity = resources.use(new Activity(store, clock, log));
  const commits = resources.use(new GroupCommit(store, log));
  const shutdown = resources.use(new ShutdownRequest(store, clock));
  const localKeys = new Set([userKey, daemonKey].map((key) => keyId(hashToken(key))));
  const { version, publicUrl } = options;
  const facts = { version, pid: process.pid, startedAt: clock.now(), publicUrl, localKeys, shutdown };
  const app = await createApp({ config: options, store, activity, facts, log });
  const closer = resources.use(new AppCloser(app));
  const registry = resources.use(new LinkRegistry());
  registerLink(app, { store, registry, commits, log });
  resources.use(keepSignsOfLife(store, registry, clock, log));
  resources.use(registerSubscriptions(app, { store, activity, log }));
  const origin = await listen(app, options.host, options.port);
  const url = options.tlsCert === null ? origin : (publicUrl ?? origin);
  const { lostAfterMs } = options;
  resources.use(new Dispatcher(store, { lostAfterMs, clock, log }));
  resources.use(new Merger(store, log));
  const archiveDir = paths.archive;
  resources.use(new Retention({ store, rules: options.retention, archiveDir, environment, clock, log }));
  resources.use(new Deliverer(store, { notifications, environment, clock, log }));
  resources.use(new LeaseKeeper({ store, clock, log, lostAfterMs }));

  // Disposed first: whatever is asked from then on would be lost.
  resources.defer(() => closer.begin());
  const owned = resources.move();
  const close = () => owned.disposeAsync();
  return {
    url,
    port: portOf(app),
    userKey,
    daemonKey,
    onShutdownRequest: shutdown.requested,
    createLoginLink: async () => loginLink(publicUrl ?? url, (await store.write(createLogin)).code),
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
