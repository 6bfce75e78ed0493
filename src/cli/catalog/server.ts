import type { Catalog } from "./entry.ts";

export const SERVER: Catalog = {
  migrate: {
    summary: "Bring the database up to this version of makima",
    load: async () => (await import("../commands/server/migrate.ts")).serverMigrateCommand,
  },
  import: {
    summary: "Move the data of one machine into PostgreSQL",
    load: async () => (await import("../commands/server/import.ts")).serverImportCommand,
  },
  backup: {
    summary: "Write the whole database into one file, while servers go on",
    load: async () => (await import("../commands/server/backup.ts")).serverBackupCommand,
  },
  restore: {
    summary: "Make a backup the database",
    load: async () => (await import("../commands/server/restore.ts")).serverRestoreCommand,
  },
};
