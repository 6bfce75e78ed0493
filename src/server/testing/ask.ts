import { once } from "node:events";
import { request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as secureRequest } from "node:https";
import type { Socket } from "node:net";
import { ROUTES, routePath } from "../../protocol/routes.ts";
import type { RouteName } from "../../protocol/routes.ts";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Of the error table; null where the answer is none. */
  error: { code: string; message: string; hint: string } | null;
}

export interface Asked {
  method?: string;
  headers?: IncomingHttpHeaders;
  body?: string | Buffer;
  /** PEM of the certificate to trust. */
  ca?: string;
}

/** A request with exactly these headers; fetch would not let a test lie about its Host. */
export async function ask(url: string, { method, headers = {}, body, ca }: Asked = {}): Promise<Answer> {
  const framing =
    body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const options = { method: method ?? (body === undefined ? "GET" : "POST"), headers: { ...framing, ...headers } };
  const sent = ca === undefined ? request(url, options) : secureRequest(url, { ...options, ca });
  sent.end(body);
  // A test in which a WebSocket opens that must not is to fail, and not to wait for ever.
  const [response, opened] = (await Promise.race([once(sent, "response"), once(sent, "upgrade")])) as Reaction;
  opened?.destroy();
  const text = opened === undefined ? (await response.toArray()).join("") : "";
  return { status: response.statusCode ?? 0, headers: response.headers, text, error: errorIn(text) };
}

type Reaction = [response: IncomingMessage, opened?: Socket];

/** Calls a route of the table under a key; null: without one. */
export async function askRoute(
  server: { url: string },
  name: RouteName,
  key: string | null,
  fields: Given,
  extra: IncomingHttpHeaders = {},
): Promise<Answer> {
  const { method, url, body } = requestFor(server, name, fields);
  const headers = { ...extra, ...(key === null ? {} : bearer(key)) };
  return ask(url.href, { method, headers, ...(body === null ? {} : { body }) });
}

/** What a route is called with: path parameters, query and body side by side. */
export type Given = Readonly<Record<string, unknown>>;

/** A call of a route, with each of the fields where it belongs. */
export function requestFor(server: { url: string }, name: RouteName, fields: Given) {
  const { method, path } = ROUTES[name];
  const isParameter = ([field]: [string, unknown]) => path.split("/").includes(`:${field}`);
  const params = Object.entries(fields).filter(isParameter);
  const rest = Object.entries(fields).filter((field) => !isParameter(field));
  const inPath = Object.fromEntries(params.map(([field, value]) => [field, String(value)]));
  const url = new URL(routePath(ROUTES[name], inPath), server.url);
  if (method !== "GET") return { method, url, body: JSON.stringify(Object.fromEntries(rest)) };
  for (const [field, value] of rest) url.searchParams.set(field, String(value));
  return { method, url, body: null };
}

export function bearer(key: string): { authorization: string } {
  return { authorization: `Bearer ${key}` };
}

function errorIn(text: string): Answer["error"] {
  try {
    const { error } = JSON.parse(text) as { error?: Answer["error"] };
    return error ?? null;
  } catch {
    return null;
  }
}
