import { ERRORS, MakimaError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Fields, Reply } from "../protocol/api.ts";
import { ROUTES, routePath } from "../protocol/routes.ts";
import type { Route, RouteName } from "../protocol/routes.ts";

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

/** One HTTP exchange, as the place provides it; rejects when there was no answer. */
export type Send = (request: HttpRequest, signal: AbortSignal) => Promise<{ status: number; text: string }>;

/** A server that accepts and then says nothing for this long (ms) counts as unreachable. */
const ANSWER_WITHIN = 30_000;

export interface Client {
  /**
   * Calls one route of the table.
   * Rejects with the server's own MakimaError, or with `unavailable` when nothing usable answered.
   */
  call<R extends RouteName>(route: R, request: Fields<R>, options?: { signal?: AbortSignal }): Promise<Reply<R>>;
}

export function createClient(endpoint: Endpoint, send: Send): Client {
  return {
    async call<R extends RouteName>(name: R, fields: Fields<R>, options: { signal?: AbortSignal } = {}) {
      const request = httpRequest(endpoint, ROUTES[name], fields as object);
      const response = await exchange(endpoint, () => send(request, limited(options.signal)), options.signal);
      // The reply's shape is the server's promise: checking it here would load zod into every command and page.
      return readReply(endpoint, response) as Reply<R>;
    },
  };
}

/** Turns the `error` object of a reply, or of the subscription socket, back into what the server threw. */
export function errorFromBody(body: { code: string; message: string; hint: string }): MakimaError {
  if (isErrorCode(body.code)) return new MakimaError(body.code, body.message, { hint: body.hint });
  // A newer server may know codes that this client does not.
  return new MakimaError("internal", `${body.message} (${body.code})`, { hint: body.hint });
}

function httpRequest(endpoint: Endpoint, route: Route, fields: object): HttpRequest {
  const inPath = new Set(Array.from(route.path.matchAll(/:([a-z]+)/g), (match) => match[1]));
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const params = given.filter(([name]) => inPath.has(name)).map(([name, value]) => [name, String(value)]);
  const rest = given.filter(([name]) => !inPath.has(name));

  const { method } = route;
  const url = new URL(routePath(route, Object.fromEntries(params)), endpoint.url);
  const headers: Record<string, string> = { accept: "application/json" };
  if (route.auth) headers["authorization"] = `Bearer ${endpoint.key}`;
  if (method === "GET") {
    for (const [name, value] of rest) url.searchParams.set(name, String(value));
    return { method, url, headers, body: null };
  }
  headers["content-type"] = "application/json";
  return { method, url, headers, body: JSON.stringify(Object.fromEntries(rest)) };
}

function limited(cancelled: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(ANSWER_WITHIN);
  return cancelled === undefined ? timeout : AbortSignal.any([cancelled, timeout]);
}

async function exchange<T>(endpoint: Endpoint, send: () => Promise<T>, cancelled: AbortSignal | undefined): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (cancelled?.aborted === true) throw error;
    throw new MakimaError("unavailable", `Cannot reach the server at ${endpoint.url} (${causeOf(error)})`, {
      cause: error,
    });
  }
}

function readReply(endpoint: Endpoint, response: { status: number; text: string }): unknown {
  const body = parseJson(response.text);
  if (response.status < 300 && body !== undefined) return body;
  if (isErrorReply(body)) throw errorFromBody(body.error);
  throw new MakimaError("unavailable", `${endpoint.url} answered ${response.status}, but not as a makima server does`);
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
