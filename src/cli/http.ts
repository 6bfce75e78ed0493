import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { createClient, IMPATIENT } from "../client/client.ts";
import type { Client, Endpoint, HttpRequest, HttpResponse } from "../client/client.ts";
import type { Persistence } from "../client/retry.ts";

/** For one look at a server: what does not answer at once counts as away. */
export function clientFor(endpoint: Endpoint): Client {
  return createClient({ endpoint: async () => endpoint, send: sendWithNode, persistence: IMPATIENT });
}

/** For the work itself: a server that restarts, or waits for its database, is waited for. */
export function persistentClient(endpoint: () => Promise<Endpoint>, onRetry: Persistence["onRetry"]): Client {
  return createClient({ endpoint, send: sendWithNode, persistence: { patience: PATIENCE, onRetry } });
}

/** A restart takes a second, a database's failover about ten (ms). */
const PATIENCE = 30_000;

/**
 * One exchange over Node's own HTTP. It is asked for by name because every command's start pays for it: an `import` of
 * the module evaluates all of its exports, undici among them (45 ms), and so does `fetch` (60 ms).
 */
async function sendWithNode({ method, url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers: { ...headers, ...lengthOf(body) }, signal, agent: false };
  const request = openRequest(url, options);
  request
    .on("response", resolve)
    .on("error", reject)
    .end(body ?? undefined);
  const response = await promise;
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const retryAfter = response.headers["retry-after"] ?? null;
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8"), retryAfter };
}

function openRequest(url: URL, options: RequestOptions): ClientRequest {
  if (url.protocol === "https:") return process.getBuiltinModule("node:https").request(url, options);
  return process.getBuiltinModule("node:http").request(url, options);
}

function lengthOf(body: string | null): { "content-length"?: number } {
  return body === null ? {} : { "content-length": Buffer.byteLength(body) };
}
