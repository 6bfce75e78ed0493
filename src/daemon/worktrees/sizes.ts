import type { Logger } from "../../platform/log.ts";
import { diskUsage } from "./disk-usage.ts";
import type { DiskUsage } from "./disk-usage.ts";

/** How much checkouts take, as last measured, against what they should not pass together. */
export class Sizes {
  /** Bytes; null: no limit. */
  readonly quota: number | null;
  readonly #log: Logger;
  readonly #known = new Map<string, DiskUsage>();
  #measuring: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(quota: number | null, log: Logger) {
    this.quota = quota;
    this.#log = log;
  }

  get total(): number {
    return [...this.#known.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** What was measured last; where that was not done, it is done now. */
  async of(dir: string, signal: AbortSignal): Promise<DiskUsage> {
    return this.#known.get(dir) ?? (await this.measure(dir, signal));
  }

  /** Measures anew. One tree at a time: others have better use for the disk. */
  measure(dir: string, signal: AbortSignal): Promise<DiskUsage> {
    const measured = this.#measuring.then(async () => {
      const usage = await diskUsage(dir, signal);
      this.#known.set(dir, usage);
      return usage;
    });
    this.#measuring = measured.catch(() => undefined);
    return measured;
  }

  /** These are all that there are. That they take more than they should is said once, each time that they begin to. */
  settle(dirs: readonly string[]): void {
    const present = new Set(dirs);
    for (const dir of this.#known.keys()) if (!present.has(dir)) this.#known.delete(dir);
    const over = this.quota !== null && this.total > this.quota;
    if (over && !this.#over) {
      this.#log.warn({ bytes: this.total, quota: this.quota }, "the checkouts take more than [worktrees] quota");
    }
    this.#over = over;
  }
}
