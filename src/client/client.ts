import { ERRORS, MakimaError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Fields, Reply } from "../protocol/api.ts";
import { ROUTES, routePath } from "../protocol/routes.ts";
import type { Route, RouteName } from "../protocol/routes.ts";
import { withRetries } from "./retry.ts";
import type { Attempt, Failure, Persistence } from "./retry.ts";

/** Where a server is and who asks. `url` is its origin, without a path. */
export interface Endpoint {
  url: string;
  key: string;
}

export interface HttpRequest {
  method: Route["method"];
  url: URL;
  headers: Record<string, string>;
  body: string | null;
}

export interface HttpResponse {
  status: number;
  text: string;
  /** The header of that name, as it came. */
  retryAfter: string | null;
}

/** One HTTP exchange, as the place provides it; rejects when there was no answer. */
export type Send = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

export interface CallOptions {
  signal?: AbortSignal;
  /** Version that the caller has seen of what it changes: a newer one is `version_conflict`. */
  ifMatch?: number;
}

export interface Client {
  /**
   * Calls one route of the table whose reply is JSON.
   * Rejects with the server's own MakimaError, or with `unavailable` when nothing usable answered.
   */
  call<R extends RouteName>(this: void, route: R, request: Fields<R>, options?: CallOptions): Promise<Reply<R>>;
}

export interface ClientOptions {
  /** Asked anew for every attempt: a local server that was restarted has another port. */
  endpoint: () => Promise<Endpoint>;
  send: Send;
  persistence: Persistence;
}

/** Of who wants to know how things are now, and not how they may be in a moment. */
export const IMPATIENT: Persistence = { patience: 0, onRetry: () => {} };

/** A server that accepts and then says nothing for this long (ms) counts as unreachable. */
const ANSWER_WITHIN = 30_000;

export function createClient({ endpoint, send, persistence }: ClientOptions): Client {
  return {
    async call<R extends RouteName>(name: R, fields: Fields<R>, options: CallOptions = {}) {
      const prepared = prepare(ROUTES[name], fields as object, options);
      const attempt = async () => exchange(await endpoint(), prepared, send, options.signal);
      // The reply's shape is the server's promise: checking it here would load zod into every command and page.
      return (await withRetries(attempt, persistence, options.signal)) as Reply<R>;
    },
  };
}

/** Turns the `error` object of a reply, or of the subscription socket, back into what the server threw. */
export function errorFromBody(body: { code: string; message: string; hint: string }): MakimaError {
  if (isErrorCode(body.code)) return new MakimaError(body.code, body.message, { hint: body.hint });
  // A newer server may know codes that this client does not.
  return new MakimaError("internal", `${body.message} (${body.code})`, { hint: body.hint });
}

/** A request but for the server that it goes to: the same for every attempt. */
interface Prepared extends Omit<HttpRequest, "url"> {
  /** With its query. */
  path: string;
  needsKey: boolean;
}

function prepare(route: Route, fields: object, { ifMatch }: CallOptions): Prepared {
  const inPath = new Set(Array.from(route.path.matchAll(/:([a-z]+)/g), (match) => match[1]));
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const params = given.filter(([name]) => inPath.has(name)).map(([name, value]) => [name, String(value)]);
  const rest = given.filter(([name]) => !inPath.has(name));

  const { method } = route;
  const path = routePath(route, Object.fromEntries(params));
  const needsKey = route.scopes !== null;
  const headers: Record<string, string> = { accept: "application/json" };
  if (method === "GET") {
    const query = new URLSearchParams(rest.map(([name, value]) => [name, String(value)])).toString();
    return { method, path: query === "" ? path : `${path}?${query}`, needsKey, headers, body: null };
  }
  headers["content-type"] = "application/json";
  // Nobody knows of an attempt without an answer whether it was carried out: with its key the next one may be sent.
  headers["idempotency-key"] = crypto.randomUUID();
  if (ifMatch !== undefined) headers["if-match"] = `"${ifMatch}"`;
  return { method, path, needsKey, headers, body: JSON.stringify(Object.fromEntries(rest)) };
}

async function exchange(
  { url: origin, key }: Endpoint,
  { path, needsKey, headers: fixed, ...rest }: Prepared,
  send: Send,
  cancelled: AbortSignal | undefined,
): Promise<Attempt<unknown>> {
  const headers = needsKey ? { ...fixed, authorization: `Bearer ${key}` } : fixed;
  const timeout = AbortSignal.timeout(ANSWER_WITHIN);
  try {
    const signal = cancelled === undefined ? timeout : AbortSignal.any([cancelled, timeout]);
    return readReply(origin, await send({ ...rest, url: new URL(path, origin), headers }, signal));
  } catch (error) {
    cancelled?.throwIfAborted();
    return unanswered(origin, error);
  }
}

/** What no later attempt mends: the name leads nowhere, or the server cannot prove that it is its own. */
const HOPELESS = /^ENOTFOUND$|CERT|SIGNED|^ERR_(TLS|SSL|INVALID)/;

function unanswered(origin: string, error: unknown): Failure {
  const why = causeOf(error);
  const message = `Cannot reach the server at ${origin} (${why})`;
  return { error: new MakimaError("unavailable", message, { cause: error }), again: !HOPELESS.test(why), after: null };
}

/** Statuses of a server, or of a proxy in front of it, that may be another one soon. */
const PASSING = [429, 502, 503, 504];

function readReply(origin: string, { status, text, retryAfter }: HttpResponse): Attempt<unknown> {
  const body = parseJson(text);
  if (status < 300 && body !== undefined) return { reply: body };
  const strange = `${origin} answered ${status}, but not as a makima server does`;
  const error = isErrorReply(body) ? errorFromBody(body.error) : new MakimaError("unavailable", strange);
  return { error, again: PASSING.includes(status), after: secondsIn(retryAfter) };
}

/** ms; the other form of the header, a date, is not what makima's servers send. */
function secondsIn(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : null;
}

/** The short name of a system error ("ECONNREFUSED"), else what it says. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isErrorReply(body: unknown): body is { error: { code: string; message: string; hint: string } } {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return (
    typeof error === "object" &&
    error !== null &&
    ["code", "message", "hint"].every((name) => typeof (error as Record<string, unknown>)[name] === "string")
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
