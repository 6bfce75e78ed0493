import { redact } from "../../platform/redact/secrets.ts";
import type { NotificationKind } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { publishNotification, toNotification } from "./notifications.ts";
import { enqueueDeliveries } from "./outbox.ts";

export interface NewNotification {
  kind: NotificationKind;
  /** What it is about, unique within its kind: the same is never told again, not even after it was dismissed. */
  subject: string;
  title: string;
  body: string;
  contractId: string | null;
  taskId: string | null;
}

/**
 * Tells people of something, in the transaction in which it happens, unless they were told before or do not want to know:
 * adds the notification, its change-feed entry, and what is to be delivered of it. Its words may be an agent's, and go to
 * places where more people look than at the agent's output: no secret is in them.
 */
export async function notify(tx: Write, { contractId, taskId, ...told }: NewNotification): Promise<void> {
  const { kinds } = tx.notifications;
  if (kinds !== null && !kinds.includes(told.kind)) return;
  const row = await tx.db
    .insertInto("notifications")
    .values({
      id: newId(tx.now),
      ...told,
      title: redact(told.title),
      body: redact(told.body),
      status: "unread",
      contract_id: contractId,
      task_id: taskId,
      created_at: tx.now,
    })
    .onConflict((it) => it.columns(["kind", "subject"]).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return;
  const notification = toNotification(row);
  await publishNotification(tx, notification);
  await enqueueDeliveries(tx, notification);
}
