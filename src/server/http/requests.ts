import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Logger } from "../../platform/log.ts";
import type { Metrics } from "../metrics/metrics.ts";

/** What a caller may name its request: it comes back in a header and stands in the log. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,100}$/;

/** The caller's name for the request where that is fit to be shown, else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}

/**
 * Of every reply, errors included. Nothing may be kept by a cache or guessed to be a page; a page loads and sends nothing
 * but to this server, runs no script that stands in it, and shows in nobody else's; what it links to does not learn of it.
 */
export const COMMON_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(COMMON_HEADERS).header("x-request-id", request.id);
}

/** Writes a line for each request, never with its key or body, and counts it. */
export function observeRequests(app: FastifyInstance, metrics: Metrics, log: Logger): void {
  app.addHook("onResponse", async (request, reply) => {
    const { method, principal } = request;
    // The pattern, not the address: that has ids in it, which would make a series of each.
    const route = request.routeOptions.url ?? "";
    const { statusCode: status, elapsedTime } = reply;
    metrics.requestAnswered({ method, route, status, ms: elapsedTime });
    const level = method === "GET" || method === "HEAD" ? "debug" : "info";
    if (!log.isLevelEnabled(level)) return;
    const ms = Math.round(elapsedTime * 10) / 10;
    log[level]({ request: request.id, method, route, status, ms, key: principal?.keyId ?? null }, "request");
  });
}
