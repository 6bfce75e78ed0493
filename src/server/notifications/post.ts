import { request as requestHttp } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { publicLookup, requirePublicHost } from "../../platform/addresses.ts";

export interface Post {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Whether the host may have an address that is not public. */
  allowPrivate: boolean;
  signal: AbortSignal;
}

/**
 * Posts once and gives the status of the answer, whatever it is: redirects are not followed, and the body is of no
 * interest. Throws where there is no answer, or the address is not allowed.
 */
export async function post({ url, headers, body, allowPrivate, signal }: Post): Promise<number> {
  // A connection of its own: one that is kept could be to an address that was judged for another webhook.
  const options: RequestOptions = { method: "POST", headers: { ...headers }, agent: false, signal };
  if (!allowPrivate) {
    requirePublicHost(url);
    options.lookup = publicLookup;
  }
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const posting = request(url, options).on("error", reject).on("response", resolve);
    // One that is closed after an upgrade that nobody asked for tells of neither.
    posting.on("close", () => reject(new Error("The connection was closed without an answer")));
    posting.end(body);
  });
  await drain(response);
  return response.statusCode ?? 0;
}

/** Bytes of an answer's body that are read, so that the other side is not cut off in the middle of a sentence. */
const MOST_READ = 64 * 1024;

/** Never fails: the status has been said. */
async function drain(response: IncomingMessage): Promise<void> {
  let read = 0;
  response.on("error", () => undefined);
  response.on("data", (chunk: Buffer) => {
    read += chunk.length;
    if (read > MOST_READ) response.destroy();
  });
  await new Promise<void>((resolve) => response.once("close", resolve));
}
