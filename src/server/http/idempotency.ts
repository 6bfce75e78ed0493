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
}

/**
 * Runs `work` once per Idempotency-Key, in the transaction that also keeps its reply: a repeated request gets the first
 * one's reply. Throws `conflict` when the key was used for another request.
 */
export async function once<T>(tx: Write, attempt: Attempt, work: () => Promise<T>): Promise<T> {
  const hash = createHash("sha256").update(JSON.stringify(attempt.request)).digest("hex");
  const earlier = await tx.db
    .selectFrom("replies")
    .select(["request_hash", "reply"])
    .where("key_id", "=", attempt.keyId)
    .where("idempotency_key", "=", attempt.idempotencyKey)
    .executeTakeFirst();
  if (earlier !== undefined) {
    if (earlier.request_hash === hash) return fromJson(earlier.reply) as T;
    throw new MakimaError("conflict", "The Idempotency-Key was used for another request");
  }
  const reply = await work();
  await tx.db
    .insertInto("replies")
    .values({
      key_id: attempt.keyId,
      idempotency_key: attempt.idempotencyKey,
      request_hash: hash,
      reply: toJson<unknown>(reply),
      created_at: tx.now,
    })
    .execute();
  await tx.db
    .deleteFrom("replies")
    .where("created_at", "<", tx.now - KEPT_FOR)
    .execute();
  return reply;
}
