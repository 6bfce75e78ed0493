import { systemClock } from "../../platform/clock.ts";
import { defaultConfig } from "../../platform/config/config.ts";
import { paths } from "../../platform/config/paths.ts";
import type { Reply } from "../../protocol/api.ts";
import type { RouteName } from "../../protocol/routes.ts";
import { startServer } from "../server.ts";
import type { RunningServer, ServerOptions } from "../server.ts";
import { requestFor } from "./ask.ts";
import type { Given } from "./ask.ts";
import { silent, temporaryHome } from "./basics.ts";
import { beginDatabase } from "./sqlite.ts";

export { silent, temporaryHome, until } from "./basics.ts";

export async function launch(home: string, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const files = paths(home);
  await beginDatabase(files.db);
  return startServer({
    database: { kind: "sqlite", path: files.db },
    paths: files,
    ...defaultConfig().server,
    port: 0,
    lostAfterMs: 900_000,
    notifications: defaultConfig().notifications,
    retention: defaultConfig().retention,
    environment: {},
    log: silent,
    clock: systemClock,
    version: "0.0.0-test",
    ...options,
  });
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
  fields: Given,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply<R>> {
  const { method, url, body } = requestFor(server, name, fields);
  const sent = { authorization: `Bearer ${server.userKey}`, "content-type": "application/json", ...headers };
  const response = await fetch(url, { method, headers: sent, body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${name}: ${response.status} ${text}`);
  return JSON.parse(text) as Reply<R>;
}
