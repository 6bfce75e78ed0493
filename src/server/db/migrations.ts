import type { Migration, MigrationProvider } from "kysely";
import { up as initial } from "./migrations/0001-initial.ts";

/** Applied in the order of their names, once each; one that has been released is never edited. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-initial": { up: initial },
};

export const migrationProvider: MigrationProvider = {
  getMigrations: async () => ({ ...MIGRATIONS }),
};
