import type { Git } from "../../platform/git/git.ts";
import type { Logger } from "../../platform/log.ts";
import type { KnownRepositories } from "./known-repositories.ts";
import type { Removals, Work } from "./removals.ts";
import type { Sizes } from "./sizes.ts";

/** What operations on checkouts work with. */
export interface WorktreesContext {
  /** Directory of the checkouts, a real path. */
  root: string;
  git: Git;
  /** Whether the daemon may work in a repository, by its real path. */
  allowsRepository: (path: string) => boolean;
  work: Work;
  removals: Removals;
  sizes: Sizes;
  repositories: KnownRepositories;
  log: Logger;
}
