import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { MakimaError } from "../../core/errors.ts";
import type { Reply } from "../../protocol/api.ts";
import { ROUTES } from "../../protocol/routes.ts";
import type { Route, RouteName, Scope } from "../../protocol/routes.ts";
import { VERSIONED } from "../../protocol/versioned.ts";
import type { Versioned } from "../../protocol/versioned.ts";
import type { Principal } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import type { OpenRoute, RawHandlers, RawRoute, ReadRoute, ServerFacts, WriteRoute } from "./context.ts";
import { OPEN, RAW, READS, WRITES } from "./handlers.ts";
import { once } from "./idempotency.ts";
import { idempotencyKeyOf, ifMatchOf, parseRequest } from "./parse.ts";
import { ReadCache } from "./read-cache.ts";
import type { KeptReply } from "./read-cache.ts";

export interface RouteServices {
  store: Store;
  facts: ServerFacts;
}

type Handler<T> = (request: FastifyRequest, reply: FastifyReply) => Promise<T>;

/** Registers a handler for every route of the table. The guard reads `scopes` from a route's configuration. */
export function registerRoutes(app: FastifyInstance, services: RouteServices): void {
  const add = (name: RouteName, handler: Handler<unknown>) => {
    const { method, path: url, scopes } = ROUTES[name];
    // What needs no key cannot be anybody's too many requests, and says whether the server is alive.
    const limits = scopes === null ? { rateLimit: false as const } : {};
    app.route({ method, url, handler, config: { scopes, ...limits } });
  };
  for (const name of keys(OPEN)) add(name, openRoute(name));
  const cache = new ReadCache(services.store);
  for (const name of keys(READS)) add(name, readRoute(name, services, cache));
  for (const name of keys(WRITES)) add(name, writeRoute(name, services));
  for (const name of keys(RAW)) add(name, rawRoute(name, services));
  refuseOtherMethods(app);
}

/** The key of a request that has passed the guard. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new MakimaError("unauthorized", "The request carries no key");
  return request.principal;
}

declare module "fastify" {
  interface FastifyRequest {
    principal: Principal | null;
    /** This server's origin, as the request names it. */
    ownOrigin: string;
  }
  interface FastifyContextConfig {
    /** Whose keys may use the route; absent: any key; null: it needs none. */
    scopes?: readonly Scope[] | null;
    /** Who has no key is led to the login page. */
    loginFirst?: boolean;
  }
}

function openRoute<R extends OpenRoute>(name: R): Handler<Reply<R>> {
  return async (request) => {
    parseRequest(name, request);
    return OPEN[name]();
  };
}

function readRoute(name: ReadRoute, services: RouteServices, cache: ReadCache): Handler<string> {
  return async (request, reply) => {
    const read = async (): Promise<KeptReply> => {
      const answer = await answerTo(name, request, services);
      return { json: JSON.stringify(answer), etag: etagOf(name, answer) };
    };
    const key = `${principalOf(request).keyId} ${request.url}`;
    // Whether the database answers is not to be known from memory.
    const { json, etag } = name === "ready" ? await read() : await cache.get(key, read);
    if (etag !== null) reply.header("etag", etag);
    reply.type("application/json; charset=utf-8");
    return json;
  };
}

async function answerTo<R extends ReadRoute>(
  name: R,
  request: FastifyRequest,
  { store, facts }: RouteServices,
): Promise<Reply<R>> {
  const context = { db: store.db, store, principal: principalOf(request), facts };
  return READS[name](context, parseRequest(name, request));
}

/** Writes its reply itself, as the bytes come; there is none left for fastify to send. */
function rawRoute<R extends RawRoute>(name: R, { store, facts }: RouteServices): Handler<Reply<R> | undefined> {
  const answer: RawHandlers[R] = RAW[name];
  return async (request, reply) => {
    const principal = principalOf(request);
    await answer({ db: store.db, store, principal, facts, request, reply }, parseRequest(name, request));
    return undefined;
  };
}

function writeRoute<R extends WriteRoute>(name: R, { store, facts }: RouteServices): Handler<Reply<R>> {
  return async (request, reply) => {
    const principal = principalOf(request);
    const parsed = parseRequest(name, request);
    const idempotencyKey = idempotencyKeyOf(request);
    const ifMatch = ifMatchOf(request);
    const answer = await store.write((tx): Promise<Reply<R>> => {
      const work = () => WRITES[name]({ tx, principal, facts, ifMatch }, parsed);
      if (idempotencyKey === null) return work();
      const attempt = {
        keyId: principal.keyId,
        idempotencyKey,
        request: [name, parsed],
        secret: SECRET_REPLIES.has(name),
      };
      return once(tx, attempt, work);
    });
    const etag = etagOf(name, answer);
    if (etag !== null) reply.header("etag", etag);
    return answer;
  };
}

/** Replies that show something once. */
const SECRET_REPLIES: ReadonlySet<RouteName> = new Set(["createKey", "createLogin"]);

/** The version of the contract, task or file that a reply shows, for a later If-Match; null where it does not show one. */
function etagOf(name: RouteName, answer: Reply<RouteName>): string | null {
  const versioned: Partial<Record<RouteName, Versioned>> = VERSIONED;
  const noun = versioned[name];
  if (noun === undefined) return null;
  const { version } = (answer as Record<typeof noun, { version: number }>)[noun];
  return `"${version}"`;
}

const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** A path that exists answers methods that it does not know with 405, and says which it knows. */
function refuseOtherMethods(app: FastifyInstance): void {
  const routes: Route[] = Object.values(ROUTES);
  for (const [url, known] of Map.groupBy(routes, ({ path }) => path)) {
    const allowed = known.map(({ method }) => method);
    const method = METHODS.filter((other) => !allowed.some((one) => one === other));
    const handler: Handler<never> = async (request, reply) => {
      reply.header("allow", allowed.join(", "));
      throw new MakimaError("method_not_allowed", `${url} does not know ${request.method}`);
    };
    // Without scopes, whoever has a key may know.
    const config = known.some(({ scopes }) => scopes === null) ? { scopes: null } : {};
    app.route({ method, url, handler, config });
  }
}

function keys<K extends string>(table: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(table) as K[];
}
