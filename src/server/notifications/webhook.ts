import { createHmac } from "node:crypto";
import { oneLine, resultOfStatus } from "../../core/notifications.ts";
import type { Clock } from "../../platform/clock.ts";
import type { WebhookConfig } from "../../platform/config/config.ts";
import { learnSecrets } from "../../platform/redact/secrets.ts";
import type { Attempt, Taken } from "./outbox.ts";
import { post } from "./post.ts";
import { readSecret } from "./secret.ts";

/** Takes one notification to one place outside of makima. Never throws: what went wrong is in the attempt. */
export type Send = (taken: Taken, signal: AbortSignal) => Promise<Attempt>;

/** How long a receiver has for everything, from looking up its name to the end of its answer (ms). */
const TIME_LIMIT = 10_000;

/** Longest error in the delivery log (characters). */
const MAX_ERROR = 500;

/**
 * Posts `{type, deliveryId, notification}` as JSON, with `X-Makima-Delivery` (the same in every attempt, so that a
 * receiver can drop repeats), `X-Makima-Timestamp` (epoch seconds of the attempt) and `X-Makima-Signature`.
 */
export function webhookSender(webhook: WebhookConfig, clock: Clock): Send {
  return async (taken, closing) => {
    try {
      const status = await withTimeLimit(clock, closing, (signal) => postOnce(webhook, taken, clock.now(), signal));
      const result = resultOfStatus(status);
      return { result, responseStatus: status, error: result === "delivered" ? null : `It answered ${status}` };
    } catch (error) {
      return { result: "retry", responseStatus: null, error: oneLine(problemOf(error), MAX_ERROR) };
    }
  };
}

/** `v1=` and the HMAC-SHA-256, in hex, of timestamp and body: it shows who sent both, and when. */
function sign(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

async function postOnce(webhook: WebhookConfig, taken: Taken, now: number, signal: AbortSignal): Promise<number> {
  // Read each time: a new secret needs no restart.
  const secret = await readSecret(webhook.secretFile);
  learnSecrets([secret]);
  const { id, notification } = taken;
  const body = JSON.stringify({ type: notification.kind, deliveryId: id, notification });
  const timestamp = String(Math.floor(now / 1000));
  const headers = {
    "Content-Type": "application/json",
    "User-Agent": "makima",
    "X-Makima-Delivery": id,
    "X-Makima-Timestamp": timestamp,
    "X-Makima-Signature": sign(secret, timestamp, body),
  };
  return post({ url: new URL(webhook.url), headers, body, allowPrivate: webhook.allowPrivate === true, signal });
}

async function withTimeLimit<T>(
  clock: Clock,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(TIME_LIMIT, done.signal).then(
    () => limit.abort(),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([limit.signal, closing]));
  } catch (error) {
    if (closing.aborted) throw new Error("The server stopped in the middle of it", { cause: error });
    if (limit.signal.aborted) throw new Error(`No answer within ${TIME_LIMIT / 1000} s`, { cause: error });
    throw error;
  } finally {
    done.abort();
    await timer;
  }
}

/** A host with several addresses fails with a list of errors and no message of its own. */
function problemOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(problemOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
