import { createHash } from "node:crypto";
import { MakimaError } from "../../core/errors.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";

/** How long a reply can be asked for again (ms). */
const KEPT_FOR = 24 * 60 * 60 * 1000;

export interface Attempt {
  /** The caller's key, whose requests these are. */
  keyId: string;
  /** Value of the Idempotency-Key header. */
  idempotencyKey: string;
  /** What is asked for: route, parameters and body. */
  request: unknown;
  /** The reply must not be kept: a repetition cannot be answered, only refused. */
  secret: boolean;
}

/**
 * Runs `work` once per Idempotency-Key, in the transaction that also keeps its reply: a repeated request gets the first
 * one's reply. Of two at once, on whichever servers, one waits for the other, because write transactions come one after
 * the other. Throws `conflict` when the key was used for another request.
 */
export async function once<T>(tx: Write, attempt: Attempt, work: () => Promise<T>): Promise<T> {
  const { keyId: key_id, idempotencyKey: idempotency_key } = attempt;
  const request_hash = createHash("sha256").update(JSON.stringify(attempt.request)).digest("hex");
  await tx.db
    .deleteFrom("replies")
    .where("created_at", "<", tx.now - KEPT_FOR)
    .execute();
  const earlier = await tx.db
    .selectFrom("replies")
    .select(["request_hash", "reply"])
    .where("key_id", "=", key_id)
    .where("idempotency_key", "=", idempotency_key)
    .executeTakeFirst();
  if (earlier !== undefined) {
    if (earlier.request_hash !== request_hash) {
      throw new MakimaError("conflict", "The Idempotency-Key was used for another request");
    }
    if (attempt.secret) throw alreadyAnswered();
    return fromJson(earlier.reply) as T;
  }
  const answer = await work();
  const reply = toJson<unknown>(attempt.secret ? null : answer);
  await tx.db
    .insertInto("replies")
    .values({ key_id, idempotency_key, request_hash, reply, created_at: tx.now })
    .execute();
  return answer;
}

function alreadyAnswered(): MakimaError {
  return new MakimaError("conflict", "The request has been carried out, and its reply is shown only once", {
    hint: "Where the reply was lost, revoke the key that it made and make another.",
  });
}
