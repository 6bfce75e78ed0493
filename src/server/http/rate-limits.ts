import rateLimit, { normalizeIP } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MakimaError } from "../../core/errors.ts";

/** Keys and addresses that are counted at the same time; more would only be an attempt to fill the memory. */
const COUNTED = 10_000;

const WINDOW = 60_000;

/** Wrong keys that one address may try in a minute. */
const FAILURES = 60;

/** Counts one failed attempt to authenticate; throws `rate_limited` where there were too many. */
export type CountFailure = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Limits the requests of each key, on every route that is registered after this. Wrong keys are counted by address, and
 * only they are refused for it: whoever has a good key shares the address, not the guilt.
 */
export async function limitRates(app: FastifyInstance, perMinute: number): Promise<CountFailure> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: WINDOW,
    cache: COUNTED,
    keyGenerator: (request) => request.principal?.keyId ?? normalizeIP(request.ip),
    errorResponseBuilder: (_, { ttl }) => limited(ttl),
    addHeadersOnExceeding: { "x-ratelimit-limit": false, "x-ratelimit-remaining": false, "x-ratelimit-reset": false },
    addHeaders: { "x-ratelimit-limit": false, "x-ratelimit-remaining": false, "x-ratelimit-reset": false },
  });
  const failed = app.createRateLimit({
    max: FAILURES,
    timeWindow: WINDOW,
    keyGenerator: (request) => normalizeIP(request.ip),
  });
  return async (request, reply) => {
    const count = await failed(request);
    if (count.isAllowed || !count.isExceeded) return;
    reply.header("retry-after", count.ttlInSeconds);
    throw limited(count.ttl);
  };
}

function limited(ttl: number): MakimaError {
  return new MakimaError("rate_limited", `Too many requests: the next one is heard in ${Math.ceil(ttl / 1000)} s`);
}
