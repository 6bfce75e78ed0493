import type { Catalog } from "./entry.ts";

export const KEY: Catalog = {
  create: {
    summary: "Create a key for a person or a daemon",
    load: async () => (await import("../commands/key/create.ts")).keyCreateCommand,
  },
  list: {
    summary: "List keys",
    load: async () => (await import("../commands/key/list.ts")).keyListCommand,
  },
  revoke: {
    summary: "Revoke a key",
    load: async () => (await import("../commands/key/revoke.ts")).keyRevokeCommand,
  },
};
