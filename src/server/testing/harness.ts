import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../platform/clock.ts";
import { paths } from "../../platform/config/paths.ts";
import { createLogger } from "../../platform/log.ts";
import type { Reply } from "../../protocol/api.ts";
import { ROUTES, routePath } from "../../protocol/routes.ts";
import type { RouteName } from "../../protocol/routes.ts";
import { Store } from "../db/store.ts";
import { startServer } from "../server.ts";
import type { RunningServer, ServerOptions } from "../server.ts";

export const silent = createLogger({ level: "silent", format: "json", stream: { write: () => undefined } });

/** A temporary directory that goes away with its scope. */
export async function temporaryHome(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "makima-server-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A store on a real file. */
export async function openStore(home: string): Promise<Store> {
  return Store.open(join(home, "makima.db"), systemClock);
}

export async function launch(home: string, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const fixed = { host: "127.0.0.1", port: 0, publicUrl: null, log: silent, clock: systemClock, version: "0.0.0-test" };
  return startServer({ paths: paths(home), ...fixed, ...options });
}

/** A server on a directory of its own; both go away with the scope. */
export async function temporaryServer(): Promise<AsyncDisposable & { server: RunningServer; home: string }> {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await temporaryHome());
  const server = resources.use(await launch(home.path));
  const owned = resources.move();
  return { server, home: home.path, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Calls a route as a user and gives back its reply; fails the test on any status but 200. */
export async function call<R extends RouteName>(
  server: { url: string; userKey: string },
  name: R,
  { id = "", ...fields }: { readonly id?: string; readonly [field: string]: unknown },
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply<R>> {
  const { method } = ROUTES[name];
  const url = new URL(routePath(ROUTES[name], { id }), server.url);
  const sent = { authorization: `Bearer ${server.userKey}`, "content-type": "application/json", ...headers };
  if (method === "GET") for (const [key, value] of Object.entries(fields)) url.searchParams.set(key, String(value));
  const body = method === "GET" ? null : JSON.stringify(fields);
  const response = await fetch(url, { method, headers: sent, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${name}: ${response.status} ${text}`);
  return JSON.parse(text) as Reply<R>;
}

/** Resolves once `condition` holds; what it waits for must come from elsewhere. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (await condition()) return;
    await systemClock.sleep(10);
  }
  throw new Error("the condition did not come true within 10 s");
}
