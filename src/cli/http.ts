import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { createClient } from "../client/client.ts";
import type { Client, Endpoint, HttpRequest } from "../client/client.ts";

/** The command line's client. */
export function clientFor(endpoint: Endpoint): Client {
  return createClient(endpoint, sendWithNode);
}

/**
 * One exchange over Node's own HTTP. It is asked for by name because every command's start pays for it: an `import` of
 * the module evaluates all of its exports, undici among them (45 ms), and so does `fetch` (60 ms).
 */
async function sendWithNode({ method, url, headers, body }: HttpRequest, signal: AbortSignal) {
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
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") };
}

function openRequest(url: URL, options: RequestOptions): ClientRequest {
  if (url.protocol === "https:") return process.getBuiltinModule("node:https").request(url, options);
  return process.getBuiltinModule("node:http").request(url, options);
}

function lengthOf(body: string | null): { "content-length"?: number } {
  return body === null ? {} : { "content-length": Buffer.byteLength(body) };
}
