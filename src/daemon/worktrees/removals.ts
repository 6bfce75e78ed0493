import { errorBody } from "../../core/errors.ts";
import type { Git } from "../../platform/git/git.ts";
import type { Logger } from "../../platform/log.ts";
import { readRecord } from "../checkout/checkout.ts";
import { removeCheckout } from "../checkout/remove.ts";
import type { KnownCheckout } from "./inventory.ts";
import type { KnownRepositories } from "./known-repositories.ts";

/** What must be known of the daemon's runs before what they have left may be removed. */
export interface Work {
  isAtWork(taskId: string): boolean;
  /** Calls `use` while no run of the task is at work and none can begin; null, without a call, when one is at work. */
  atRest<T>(taskId: string, use: () => Promise<T>): Promise<T | null>;
}

export type Removal =
  /** `salvage`: the ref that keeps what was in no branch. */
  | { outcome: "removed"; salvage: string | null }
  | { outcome: "kept"; reason: string }
  /** Somebody else was faster. */
  | { outcome: "gone" };

interface RemovalsOptions {
  git: Git;
  work: Work;
  repositories: KnownRepositories;
  log: Logger;
}

export const AT_WORK = "A run of its task is at work";

/** Removes checkouts, one task's at a time, and remembers why one stays that should have gone. */
export class Removals {
  readonly #options: RemovalsOptions;
  readonly #reasons = new Map<string, string>();

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** Why the checkout at `dir` is still there; null: nobody has tried to remove it since this daemon started. */
  reason(dir: string): string | null {
    return this.#reasons.get(dir) ?? null;
  }

  /**
   * Removes a checkout after salvaging what only it has; its branch stays. Never rejects: what cannot be removed must not
   * keep others from being, and whoever tries again may have more luck.
   *
   * The daemon's list of repositories is not asked: no path comes from outside here, and what makima has made there it
   * may take back.
   */
  async remove(checkout: KnownCheckout): Promise<Removal> {
    const removal = await this.#options.work.atRest(checkout.record.taskId, () => this.#remove(checkout));
    return removal ?? { outcome: "kept", reason: AT_WORK };
  }

  async #remove({ dir, record: { taskId, commonDir } }: KnownCheckout): Promise<Removal> {
    const { git, repositories, log } = this.#options;
    try {
      if ((await readRecord(dir)) === null) return { outcome: "gone" };
      // Earlier versions did not remember where they worked; from now on, what is salvaged is looked for there.
      await repositories.add(commonDir);
      const { salvage } = await removeCheckout(git, dir, { deleteBranch: "keep" });
      this.#reasons.delete(dir);
      log.info({ dir, task: taskId, salvage }, "a checkout is removed");
      return { outcome: "removed", salvage };
    } catch (error) {
      const reason = errorBody(error).message;
      this.#reasons.set(dir, reason);
      log.warn({ err: error, dir, task: taskId }, "a checkout cannot be removed");
      return { outcome: "kept", reason };
    }
  }
}
