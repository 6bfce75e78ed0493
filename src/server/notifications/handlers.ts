import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { listDeliveries, listNotifications } from "./list.ts";
import { moveAllNotifications, moveNotification } from "./notifications.ts";

export const notificationReads: Pick<ReadHandlers, "listNotifications" | "listDeliveries"> = {
  async listNotifications({ db }, { query }) {
    const filter = { unread: query.unread === "true", kind: query.kind ?? null };
    const { items, next } = await listNotifications(db, filter, query);
    return { notifications: items, next };
  },

  async listDeliveries({ db }, { params }) {
    return { deliveries: await listDeliveries(db, await resolveId(db, "notifications", params.id)) };
  },
};

export const notificationWrites: Pick<WriteHandlers, "readNotification" | "dismissNotification" | "markNotifications"> =
  {
    async readNotification({ tx }, { params }) {
      return { notification: await moveNotification(tx, await resolveId(tx.db, "notifications", params.id), "read") };
    },

    async dismissNotification({ tx }, { params }) {
      return {
        notification: await moveNotification(tx, await resolveId(tx.db, "notifications", params.id), "dismiss"),
      };
    },

    async markNotifications({ tx }, { body }) {
      return { marked: await moveAllNotifications(tx, body.as === "read" ? "read" : "dismiss") };
    },
  };
