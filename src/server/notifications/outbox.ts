import { GIVE_UP_AFTER, retryAt } from "../../core/notifications.ts";
import type { AttemptResult } from "../../core/notifications.ts";
import type { Notification } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { addressees } from "./addressees.ts";
import { getNotification } from "./notifications.ts";

/** Wakes whoever delivers: there may be something due. */
export const DELIVERIES_TOPIC = "deliveries";

/** A delivery that a server has taken up: `attempts` proves that no other has done so since. */
export interface Taken {
  id: string;
  attempts: number;
  createdAt: number;
  notification: Notification;
}

/** How an attempt ended; `responseStatus` is null where there was no HTTP answer. */
export interface Attempt {
  result: AttemptResult;
  responseStatus: number | null;
  error: string | null;
}

/** How long a server has for an attempt, which takes 10 s at most, before another one takes the delivery for forgotten (ms). */
export const LEASE = 60_000;

/**
 * Puts a new notification into the outbox, once for each addressee that wants its kind. Who reads or dismisses it here
 * calls no webhook back: what receives it there is somebody else's.
 */
export async function enqueueDeliveries(tx: Write, { id, kind }: Notification): Promise<void> {
  const wanted = addressees(tx.notifications).filter(({ kinds }) => kinds === null || kinds.includes(kind));
  if (wanted.length === 0) return;
  const fixed = { notification_id: id, status: "pending", attempts: 0, response_status: null, error: null } as const;
  await tx.db
    .insertInto("deliveries")
    .values(
      wanted.map(({ channel, target }) => ({
        id: newId(tx.now),
        ...fixed,
        channel,
        target,
        next_at: tx.now,
        created_at: tx.now,
      })),
    )
    .execute();
  tx.wake(DELIVERIES_TOPIC);
}

/**
 * Takes the channel's next delivery when it is due, else tells in how many ms one will be (null: none is waiting).
 * Moving it ahead keeps the other servers off it, and gives it back to them should this one die.
 */
export async function takeDelivery(tx: Write, channel: string): Promise<{ taken: Taken | null; wait: number | null }> {
  const next = await tx.db
    .selectFrom("deliveries")
    .select(["id", "notification_id", "next_at", "attempts", "created_at"])
    .where("channel", "=", channel)
    .where("next_at", "is not", null)
    .orderBy("next_at")
    .orderBy("id")
    .executeTakeFirst();
  const wait = next === undefined || next.next_at === null ? null : next.next_at - tx.now;
  if (next === undefined || wait === null || wait > 0) return { taken: null, wait };
  const attempts = next.attempts + 1;
  await tx.db
    .updateTable("deliveries")
    .set({ attempts, next_at: tx.now + LEASE })
    .where("id", "=", next.id)
    .execute();
  const notification = await getNotification(tx.db, next.notification_id);
  return { taken: { id: next.id, attempts, createdAt: next.created_at, notification }, wait: 0 };
}

/** Writes down how an attempt ended, unless it took so long that another server has taken the delivery over. */
export async function settleDelivery(tx: Write, taken: Taken, attempt: Attempt, random: number): Promise<void> {
  const nextAt = attempt.result === "retry" ? retryAt(taken.attempts, taken.createdAt, tx.now, random) : null;
  const status = attempt.result === "retry" ? (nextAt === null ? "failed" : "pending") : attempt.result;
  await tx.db
    .updateTable("deliveries")
    .set({ status, next_at: nextAt, response_status: attempt.responseStatus, error: attempt.error })
    .where("id", "=", taken.id)
    .where("status", "=", "pending")
    .where("attempts", "=", taken.attempts)
    .execute();
}

/** Gives up what has been waiting for a day for an addressee that is not configured any more, on any server it seems. */
export async function abandonDeliveries(tx: Write): Promise<void> {
  const channels = addressees(tx.notifications).map(({ channel }) => channel);
  let abandoned = tx.db
    .updateTable("deliveries")
    .set({ status: "failed", next_at: null, error: "It is not configured any more" })
    .where("next_at", "is not", null)
    .where("created_at", "<", tx.now - GIVE_UP_AFTER);
  // PostgreSQL knows no empty list.
  if (channels.length > 0) abandoned = abandoned.where("channel", "not in", channels);
  await abandoned.execute();
}
