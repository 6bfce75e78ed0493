import type { Selectable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { NOTIFICATION, transition } from "../../core/task-state.ts";
import type { NotificationEvent, NotificationState } from "../../core/task-state.ts";
import type { Notification, NotificationKind } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";
import type { NotificationsTable } from "../db/tables.ts";

/** Throws `not_found`. */
export async function getNotification(db: Db, id: string): Promise<Notification> {
  const row = await db.selectFrom("notifications").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no notification ${id}`);
  return toNotification(row);
}

/**
 * Takes a notification through one event of its state machine and publishes it; asking for what is so already changes
 * nothing. Throws `conflict` where the machine does not allow it.
 */
export async function moveNotification(tx: Write, id: string, event: NotificationEvent): Promise<Notification> {
  const before = await getNotification(tx.db, id);
  if (before.status === IN_EFFECT[event]) return before;
  const status = transition(NOTIFICATION, before.status, event);
  if (status === null) throw new MakimaError("conflict", `The notification is ${before.status} already`);
  await tx.db.updateTable("notifications").set({ status }).where("id", "=", id).execute();
  const after = { ...before, status };
  await publishNotification(tx, after);
  return after;
}

/** What a notification was about has been settled elsewhere: whoever has not read it need not. */
export async function settleNotification(tx: Write, kind: NotificationKind, subject: string): Promise<void> {
  const row = await tx.db
    .selectFrom("notifications")
    .select("id")
    .where("kind", "=", kind)
    .where("subject", "=", subject)
    .where("status", "=", "unread")
    .executeTakeFirst();
  if (row !== undefined) await moveNotification(tx, row.id, "read");
}

/** Takes all that there are, a batch at a time, through one event; returns how many it changed. */
export async function moveAllNotifications(tx: Write, event: NotificationEvent): Promise<number> {
  const from = NOTIFICATION.live.filter((state) => transition(NOTIFICATION, state, event) !== null);
  let moved = 0;
  for (;;) {
    const rows = await tx.db
      .updateTable("notifications")
      .set({ status: IN_EFFECT[event] })
      .where("id", "in", (of) => of.selectFrom("notifications").select("id").where("status", "in", from).limit(BATCH))
      .returningAll()
      .execute();
    for (const row of rows) await publishNotification(tx, toNotification(row));
    moved += rows.length;
    if (rows.length < BATCH) return moved;
  }
}

export async function publishNotification(tx: Write, notification: Notification): Promise<void> {
  await recordChange(tx, { kind: "notification", id: notification.id, contractId: null, data: { ...notification } });
}

export function toNotification(row: Selectable<NotificationsTable>): Notification {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    title: row.title,
    body: row.body,
    contractId: row.contract_id,
    taskId: row.task_id,
    createdAt: row.created_at,
  };
}

/** Where each event leads, whatever it comes from. */
const IN_EFFECT: { readonly [On in NotificationEvent]: NotificationState } = { read: "read", dismiss: "dismissed" };

/** Notifications in memory at once; their texts are short. */
const BATCH = 500;
