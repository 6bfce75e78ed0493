import { once } from "node:events";
import { request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as secureRequest } from "node:https";
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
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const text = (await response.toArray()).join("");
  return { status: response.statusCode ?? 0, headers: response.headers, text, error: errorIn(text) };
}

/** Calls a route of the table under a key; null: without one. */
export async function askRoute(
  server: { url: string },
  name: RouteName,
  key: string | null,
  { id = "", ...fields }: { readonly id?: unknown; readonly [field: string]: unknown },
  extra: IncomingHttpHeaders = {},
): Promise<Answer> {
  const { method } = ROUTES[name];
  const url = new URL(routePath(ROUTES[name], { id: String(id) }), server.url);
  if (method === "GET") for (const [field, value] of Object.entries(fields)) url.searchParams.set(field, String(value));
  const headers = { ...extra, ...(key === null ? {} : bearer(key)) };
  return ask(url.href, { method, headers, ...(method === "GET" ? {} : { body: JSON.stringify(fields) }) });
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
