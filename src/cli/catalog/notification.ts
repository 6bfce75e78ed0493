import type { Catalog } from "./entry.ts";

export const NOTIFICATION: Catalog = {
  list: {
    summary: "List notifications",
    load: async () => (await import("../commands/notification/list.ts")).notificationListCommand,
  },
  read: {
    summary: "Mark a notification as read, and show it",
    load: async () => (await import("../commands/notification/read.ts")).notificationReadCommand,
  },
  dismiss: {
    summary: "Dismiss a notification, or all of them",
    load: async () => (await import("../commands/notification/dismiss.ts")).notificationDismissCommand,
  },
};
