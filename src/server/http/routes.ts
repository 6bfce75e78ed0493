import type { FastifyInstance, FastifyRequest } from "fastify";
import { MakimaError } from "../../core/errors.ts";
import { SCHEMAS } from "../../protocol/api.ts";
import type { Parsed, Reply } from "../../protocol/api.ts";
import { ROUTES } from "../../protocol/routes.ts";
import type { RouteName } from "../../protocol/routes.ts";
import type { Principal } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import { requireAccess } from "./access.ts";
import { OPEN, READS, WRITES } from "./handlers.ts";
import type { OpenRoute, ReadRoute, ServerFacts, WriteRoute } from "./handlers.ts";
import { once } from "./idempotency.ts";

type Answer<R extends RouteName> = (request: FastifyRequest) => Promise<Reply<R>>;

/** Registers a handler for every route of the table. */
export function registerRoutes(app: FastifyInstance, store: Store, facts: ServerFacts): void {
  const add = (name: RouteName, handler: Answer<RouteName>) => {
    const { method, path: url } = ROUTES[name];
    app.route({ method, url, handler });
  };
  for (const name of keys(OPEN)) add(name, openRoute(name, store));
  for (const name of keys(READS)) add(name, readRoute(name, store, facts));
  for (const name of keys(WRITES)) add(name, writeRoute(name, store));
}

/** The key of a request that has passed the guard. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new MakimaError("unauthorized", "The request carries no key");
  return request.principal;
}

declare module "fastify" {
  interface FastifyRequest {
    principal: Principal | null;
  }
}

function openRoute<R extends OpenRoute>(name: R, store: Store): Answer<R> {
  return async (request) => {
    parseRequest(name, request);
    return OPEN[name](store.db);
  };
}

function readRoute<R extends ReadRoute>(name: R, store: Store, facts: ServerFacts): Answer<R> {
  return async (request) => {
    const principal = principalOf(request);
    requireAccess(principal, name);
    return READS[name]({ db: store.db, principal, facts }, parseRequest(name, request));
  };
}

function writeRoute<R extends WriteRoute>(name: R, store: Store): Answer<R> {
  return async (request) => {
    const principal = principalOf(request);
    requireAccess(principal, name);
    const parsed = parseRequest(name, request);
    const idempotencyKey = idempotencyKeyOf(request);
    return store.write((tx) => {
      const work = () => WRITES[name]({ tx }, parsed);
      if (idempotencyKey === null) return work();
      return once(tx, { keyId: principal.keyId, idempotencyKey, request: [name, parsed] }, work);
    });
  };
}

/** Strict: what the schemas do not name is refused. Throws a ZodError. */
function parseRequest<R extends RouteName>(name: R, { params, query, body }: FastifyRequest): Parsed<R> {
  const schemas = SCHEMAS[name];
  // Parsed<R> is by definition what these three return; TypeScript cannot follow that through a lookup.
  return {
    params: schemas.params.parse(params ?? {}),
    query: schemas.query.parse(query ?? {}),
    body: schemas.body.parse(body ?? {}),
  } as Parsed<R>;
}

/** Longest Idempotency-Key (characters); a UUID has 36. */
const MAX_IDEMPOTENCY_KEY = 200;

function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const value = headers["idempotency-key"];
  if (value === undefined) return null;
  if (typeof value === "string" && value.length > 0 && value.length <= MAX_IDEMPOTENCY_KEY) return value;
  throw new MakimaError("invalid_request", `Idempotency-Key: 1 to ${MAX_IDEMPOTENCY_KEY} characters`);
}

function keys<K extends string>(table: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(table) as K[];
}
