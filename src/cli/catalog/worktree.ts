import type { Catalog } from "./entry.ts";

export const WORKTREE: Catalog = {
  list: {
    summary: "List the worktrees on every machine, or what was kept of removed ones",
    load: async () => (await import("../commands/worktree/list.ts")).worktreeListCommand,
  },
  clean: {
    summary: "Remove the worktrees that nobody needs; what is in no commit is kept",
    load: async () => (await import("../commands/worktree/clean.ts")).worktreeCleanCommand,
  },
  restore: {
    summary: "Make a branch of what was kept of a removed worktree",
    load: async () => (await import("../commands/worktree/restore.ts")).worktreeRestoreCommand,
  },
};
