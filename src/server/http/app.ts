import websocket from "@fastify/websocket";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import type { Logger } from "../../platform/log.ts";
import { MAX_BODY, ROUTES } from "../../protocol/routes.ts";
import type { Activity } from "../activity.ts";
import type { Store } from "../db/store.ts";
import { errorHandler, notFoundHandler } from "./errors.ts";
import { requireOwnAddress, requireToken } from "./guard.ts";
import type { Addresses } from "./guard.ts";
import type { ServerFacts } from "./handlers.ts";
import { useJsonBodies } from "./json-body.ts";
import { registerRoutes } from "./routes.ts";

/** Most bytes of one WebSocket frame. */
const MAX_FRAME = 1024 * 1024;

/** Probes silent connections after this long (ms), so that viewers which have vanished do not stay for ever. */
const TCP_KEEP_ALIVE = 30_000;

export interface AppServices {
  store: Store;
  activity: Activity;
  /** Asked per request: the port is known only once the server listens. */
  addresses: () => Addresses;
  facts: ServerFacts;
  log: Logger;
}

/** Paths that are open to anybody, by the route table. */
const OPEN_PATHS: ReadonlySet<string> = new Set(
  Object.values(ROUTES).flatMap(({ auth, path }) => (auth ? [] : [path])),
);

/** The HTTP server without its WebSockets: guard, bodies, routes and errors. */
export async function createApp(services: AppServices): Promise<FastifyInstance> {
  const { store, activity, addresses, facts, log } = services;
  const app = fastify({
    bodyLimit: MAX_BODY,
    forceCloseConnections: "idle",
    http: { keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE },
  });
  // The sockets are closed by their owners before the app is.
  const options = { maxPayload: MAX_FRAME, perMessageDeflate: false };
  await app.register(websocket, { options });
  app.decorateRequest("principal", null);
  app.addHook("onRequest", async (request) => {
    const { host, origin, authorization } = request.headers;
    const guarded = { host, origin, authorization };
    requireOwnAddress(guarded, addresses());
    if (OPEN_PATHS.has(request.routeOptions.url ?? "")) return;
    request.principal = await requireToken(store.db, guarded);
    activity.requested();
  });
  useJsonBodies(app);
  app.setErrorHandler(errorHandler(log));
  app.setNotFoundHandler(notFoundHandler);
  registerRoutes(app, store, facts);
  return app;
}
