import type { Migration, MigrationProvider } from "kysely";
import { up as initial } from "./migrations/0001-initial.ts";
import { up as team } from "./migrations/0002-team.ts";
import { up as retention } from "./migrations/0003-retention.ts";
import { up as contracts } from "./migrations/0004-contracts.ts";
import { up as worktrees } from "./migrations/0005-worktrees.ts";
import { up as logins } from "./migrations/0006-logins.ts";
import { up as daemonKeys } from "./migrations/0007-daemon-keys.ts";

/** Applied in the order of their names, once each; one that has been released is never edited. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-initial": { up: initial },
  "0002-team": { up: team },
  "0003-retention": { up: retention },
  "0004-contracts": { up: contracts },
  "0005-worktrees": { up: worktrees },
  "0006-logins": { up: logins },
  "0007-daemon-keys": { up: daemonKeys },
};

export const migrationProvider: MigrationProvider = {
  getMigrations: async () => ({ ...MIGRATIONS }),
};
