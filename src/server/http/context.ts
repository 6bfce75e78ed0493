import type { FastifyReply, FastifyRequest } from "fastify";
import type { Parsed, Reply } from "../../protocol/api.ts";
import type { ROUTES, RouteName } from "../../protocol/routes.ts";
import type { Principal } from "../auth/keys.ts";
import type { Db, Store, Write } from "../db/store.ts";
import type { ShutdownRequest } from "../shutdown.ts";

export interface ServerFacts {
  version: string;
  pid: number;
  startedAt: number;
  /** As configured. */
  publicUrl: string | null;
  /** Ids of the keys in this server's key files. */
  localKeys: ReadonlySet<string>;
  shutdown: ShutdownRequest;
}

export interface ReadContext {
  db: Db;
  store: Store;
  principal: Principal;
  facts: ServerFacts;
}

export interface WriteContext {
  tx: Write;
  principal: Principal;
  facts: ServerFacts;
  /** Version that the caller has seen, from If-Match; null: any. */
  ifMatch: number | null;
}

/** Of a route that does not answer with JSON of its own schema: it writes the reply itself. */
export interface RawContext extends ReadContext {
  request: FastifyRequest;
  reply: FastifyReply;
}

type GetRoute = { [R in RouteName]: (typeof ROUTES)[R]["method"] extends "GET" ? R : never }[RouteName];

/** Routes that anybody may read. */
export type OpenRoute = { [R in RouteName]: (typeof ROUTES)[R]["scopes"] extends null ? R : never }[RouteName];
export type RawRoute = { [R in RouteName]: (typeof ROUTES)[R] extends { type: string } ? R : never }[RouteName];
export type ReadRoute = Exclude<GetRoute, OpenRoute | RawRoute>;
export type WriteRoute = Exclude<RouteName, GetRoute>;

/** A handler for every route of the table: the compiler refuses a missing one. */
export type OpenHandlers = { readonly [R in OpenRoute]: () => Promise<Reply<R>> };
export type ReadHandlers = {
  readonly [R in ReadRoute]: (context: ReadContext, request: Parsed<R>) => Promise<Reply<R>>;
};
export type WriteHandlers = {
  readonly [R in WriteRoute]: (context: WriteContext, request: Parsed<R>) => Promise<Reply<R>>;
};
export type RawHandlers = {
  readonly [R in RawRoute]: (context: RawContext, request: Parsed<R>) => Promise<void>;
};
