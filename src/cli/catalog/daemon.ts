import type { Catalog } from "./entry.ts";

export const DAEMON: Catalog = {
  list: {
    summary: "List daemons and what they are at work on",
    load: async () => (await import("../commands/daemon/list.ts")).daemonListCommand,
  },
  remove: {
    summary: "Forget a daemon that is offline and has no work",
    load: async () => (await import("../commands/daemon/remove.ts")).daemonRemoveCommand,
  },
};
