import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { Store } from "./db/store.ts";
import { isUnavailable } from "./unavailable.ts";

interface EveryOptions {
  /** Pause between the end of one time and the beginning of the next (ms). */
  pauseMs: number;
  store: Store;
  clock: Clock;
  log: Logger;
  /** Completes "could not ..." in the log. */
  task: string;
}

/**
 * Does something again and again until it is disposed of, which waits for a time that is under way. It survives whatever
 * goes wrong, rests while the database is away, and tells of a failure once, not for as long as it lasts.
 */
export class Every implements AsyncDisposable {
  readonly #options: EveryOptions;
  readonly #work: () => Promise<void>;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #problem: string | null = null;

  constructor(options: EveryOptions, work: () => Promise<void>) {
    this.#options = options;
    this.#work = work;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (await this.#due()) {
      try {
        await this.#work();
        this.#problem = null;
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  /** false: it was stopped. */
  async #due(): Promise<boolean> {
    const { clock, store, pauseMs } = this.#options;
    const { signal } = this.#stopped;
    try {
      await clock.sleep(pauseMs, signal);
      await store.available(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  #tell(error: unknown): void {
    const problem = String(error);
    if (problem !== this.#problem && !isUnavailable(error)) {
      this.#options.log.error({ err: error }, `could not ${this.#options.task}`);
    }
    this.#problem = problem;
  }
}
