import type { FastifyReply } from "fastify";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { Activity } from "../activity.ts";
import type { Principal } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import { Reader } from "./reader.ts";
import type { Batch, Source } from "./reader.ts";
import { watchKey } from "./revocation.ts";

export interface ViewerServices {
  store: Store;
  activity: Activity;
  log: Logger;
}

export interface Response {
  reply: FastifyReply;
  principal: Principal;
  source: Source<Uint8Array>;
  /** Cursor. */
  from: number;
  /** Until the source is complete; otherwise to its present end. */
  follow: boolean;
}

/**
 * HTTP responses that hold what is read from a source, as it comes. They end with their client, their key and the server;
 * one that ends before its time is cut off, and its client sees that it is not whole.
 */
export class Responses implements AsyncDisposable {
  readonly #services: ViewerServices;
  /** What ends each response, and when it has ended. */
  readonly #active = new Map<AbortController, Promise<void>>();
  #closed = false;

  constructor(services: ViewerServices) {
    this.#services = services;
  }

  /** Resolves when the response is over. Throws what the source throws at the first read, before there is a status. */
  async send(response: Response): Promise<void> {
    if (this.#closed) throw stopping();
    const ending = new AbortController();
    const sending = this.#send(response, ending);
    this.#active.set(ending, sending);
    this.#services.activity.viewerOpened();
    try {
      await sending;
    } finally {
      this.#services.activity.viewerClosed();
      this.#active.delete(ending);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const ending of this.#active.keys()) ending.abort(stopping());
    await Promise.allSettled(this.#active.values());
  }

  async #send({ reply, principal, source, from, follow }: Response, ending: AbortController): Promise<void> {
    const { store, log } = this.#services;
    const { signal } = ending;
    using reader = new Reader(store, source, from, signal);
    const first = await reader.read();
    const raw = beginBytes(reply);
    raw.once("close", () => ending.abort());
    await using _ = watchKey(store, principal.keyId, log, () => ending.abort());
    try {
      await pipeline(bytesOf(reader, first, follow), raw, { signal });
    } catch (error) {
      if (!signal.aborted && !(error instanceof MakimaError)) log.error({ err: error }, "a response was cut off");
    }
  }
}

/** Sends the headers now, and not with the first byte, which may take hours. */
function beginBytes(reply: FastifyReply): ServerResponse {
  const { raw } = reply.type("application/octet-stream").hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.flushHeaders();
  return raw;
}

async function* bytesOf(
  reader: Reader<Uint8Array>,
  first: Batch<Uint8Array>,
  follow: boolean,
): AsyncGenerator<Uint8Array> {
  for (let batch = first; ; batch = await reader.read()) {
    if (batch.data !== null) yield batch.data;
    if (batch.complete || (batch.atEnd && !follow)) return;
    if (batch.atEnd) await reader.more();
  }
}

function stopping(): MakimaError {
  return new MakimaError("unavailable", "The server is stopping");
}
