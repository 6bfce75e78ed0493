import type { Selectable } from "kysely";
import type { Delivery, Notification, NotificationKind } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";
import type { DeliveriesTable } from "../db/tables.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";
import { toNotification } from "./notifications.ts";

export interface NotificationFilter {
  unread: boolean;
  kind: NotificationKind | null;
}

/** Newest first; dismissed ones never. */
export async function listNotifications(
  db: Db,
  filter: NotificationFilter,
  page: PageRequest,
): Promise<PageOf<Notification>> {
  // A page of each status from its own end of the index: what has been dismissed costs nothing.
  const unread = pageOf(db, "unread", filter, page);
  const pages = filter.unread ? unread : unread.unionAll(pageOf(db, "read", filter, page));
  const rows = (await pages.execute()).map(toNotification);
  const newest = rows.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  return newestFirst(newest, page);
}

/** Every way that a notification was to go, oldest first. */
export async function listDeliveries(db: Db, notificationId: string): Promise<Delivery[]> {
  const rows = await db
    .selectFrom("deliveries")
    .selectAll()
    .where("notification_id", "=", notificationId)
    .orderBy("id")
    .execute();
  return rows.map(toDelivery);
}

/** As a table of its own: neither engine takes an order or a limit in the middle of a union otherwise. */
function pageOf(db: Db, status: "unread" | "read", { kind }: NotificationFilter, page: PageRequest) {
  let query = db.selectFrom("notifications").selectAll().where("status", "=", status);
  if (kind !== null) query = query.where("kind", "=", kind);
  if (page.cursor !== undefined) query = query.where("id", "<", page.cursor);
  const newest = query.orderBy("id", "desc").limit(page.limit + 1);
  return db.selectFrom(newest.as("page")).selectAll();
}

function toDelivery(row: Selectable<DeliveriesTable>): Delivery {
  return {
    id: row.id,
    notificationId: row.notification_id,
    target: row.target,
    status: row.status,
    attempts: row.attempts,
    responseStatus: row.response_status,
    error: row.error,
    nextAt: row.next_at,
    createdAt: row.created_at,
  };
}
