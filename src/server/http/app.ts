import websocket from "@fastify/websocket";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { MakimaError } from "../../core/errors.ts";
import type { Config } from "../../platform/config/config.ts";
import type { Logger } from "../../platform/log.ts";
import { LOGIN_PATH, MAX_BODY } from "../../protocol/routes.ts";
import type { Activity } from "../activity.ts";
import { Principals } from "../auth/principals.ts";
import type { Store } from "../db/store.ts";
import { requireScope } from "./access.ts";
import type { ServerFacts } from "./context.ts";
import { clientErrorHandler, errorHandler, malformedUrlHandler, notFoundHandler } from "./errors.ts";
import { requireOwnAddress, tokenOf } from "./guard.ts";
import { useJsonBodies } from "./json-body.ts";
import { registerPages } from "./pages.ts";
import { limitRates } from "./rate-limits.ts";
import type { CountFailure } from "./rate-limits.ts";
import { observeRequests, requestId, setCommonHeaders } from "./requests.ts";
import { registerRoutes } from "./routes.ts";

/** Most bytes of one WebSocket frame. */
const MAX_FRAME = 1024 * 1024;

/** Probes silent connections after this long (ms), so that viewers which have vanished do not stay for ever. */
const TCP_KEEP_ALIVE = 30_000;

/** A request has arrived within this (ms), or its connection is closed: who sends slowly must not hold many for nothing. */
const ARRIVED_WITHIN = 60_000;

/** HTTP status. */
const SEE_OTHER = 303;

/** WebSocket close code. */
const GOING_AWAY = 1001;

export interface AppServices {
  config: Config["server"];
  store: Store;
  activity: Activity;
  facts: ServerFacts;
  log: Logger;
}

/** The HTTP server without its WebSockets: guard, bodies, routes and errors. Throws `config_invalid` for its TLS files. */
export async function createApp(services: AppServices): Promise<FastifyInstance> {
  const { config, store, log } = services;
  const app = newFastify(await readTls(config), config.behindProxy);
  await app.register(websocket, {
    options: { maxPayload: MAX_FRAME, perMessageDeflate: false },
    preClose: (done) => {
      for (const socket of app.websocketServer.clients) socket.close(GOING_AWAY, "the server stops");
      done();
    },
  });
  app.decorateRequest("principal", null);
  app.decorateRequest("ownOrigin", "");
  // Each route has its limit behind the guard, which knows whose request it is.
  const countFailure = await limitRates(app, config.rateLimit);
  guard(app, services, countFailure);
  observeRequests(app, store.metrics, log);
  useJsonBodies(app);
  app.setErrorHandler(errorHandler(log));
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, notFoundHandler);
  registerRoutes(app, services);
  registerPages(app, { store, countFailure });
  return app;
}

interface Tls {
  cert: Buffer;
  key: Buffer;
}

function newFastify(https: Tls | null, behindProxy: boolean): FastifyInstance {
  const options = {
    bodyLimit: MAX_BODY,
    requestTimeout: ARRIVED_WITHIN,
    // A proxy adds the address that it was called from; what stands before that could be anybody's invention.
    trustProxy: behindProxy ? (_: string, hop: number) => hop === 0 : false,
    forceCloseConnections: "idle" as const,
    return503OnClosing: false,
    genReqId: requestId,
    frameworkErrors: malformedUrlHandler,
    clientErrorHandler,
  };
  const http = { keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE, requireHostHeader: false };
  if (https === null) return fastify({ ...options, http });
  return fastify({ ...options, https: { ...http, ...https } });
}

async function readTls({ tlsCert, tlsKey }: AppServices["config"]): Promise<Tls | null> {
  if (tlsCert === null || tlsKey === null) return null;
  try {
    const tls = { cert: await readFile(tlsCert), key: await readFile(tlsKey) };
    createSecureContext(tls);
    return tls;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MakimaError("config_invalid", `Cannot use the certificate ${tlsCert} and its key: ${why}`, {
      hint: "Name a certificate and its private key, both in PEM, that the server may read.",
      cause: error,
    });
  }
}

/** Host, Origin, key, scope, in this order, before a byte of the body is read. */
function guard(app: FastifyInstance, services: AppServices, countFailure: CountFailure): void {
  const { config, store, activity } = services;
  const publicUrl = config.publicUrl === null ? null : new URL(config.publicUrl);
  const names = { protocol: config.tlsCert === null ? ("http" as const) : ("https" as const), publicUrl };
  const principals = new Principals(store);
  app.addHook("onClose", async () => principals[Symbol.dispose]());
  app.addHook("onRequest", async (request, reply) => {
    setCommonHeaders(request, reply);
    if (!app.server.listening) throw new MakimaError("unavailable", "The server stops");
    const own = requireOwnAddress(request, names);
    request.ownOrigin = own;
    const { scopes, loginFirst } = request.routeOptions.config;
    if (scopes === null) return;
    const token = tokenOf(request, own);
    const principal = token === null ? null : await principals.authenticate(token);
    if (principal === null) {
      await countFailure(request, reply);
      if (loginFirst === true) return reply.redirect(LOGIN_PATH, SEE_OTHER);
      const message = token === null ? "The request carries no key" : "The key is not valid, or is no longer";
      throw new MakimaError("unauthorized", message);
    }
    if (scopes !== undefined) requireScope(principal.kind, scopes);
    request.principal = principal;
    activity.requested();
  });
}
