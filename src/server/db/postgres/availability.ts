import type { Clock } from "../../../platform/clock.ts";
import type { Logger } from "../../../platform/log.ts";
import type { Away } from "../engine.ts";
import { DATABASE_TOPIC } from "../wakeups.ts";
import type { Wakeups } from "../wakeups.ts";

/** Whether the database is there, for those who show it and those who wait for it. */
export class Availability {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #wakeups: Wakeups;
  #away: Away | null = null;
  #back = Promise.withResolvers<void>();

  constructor(clock: Clock, log: Logger, wakeups: Wakeups) {
    this.#clock = clock;
    this.#log = log;
    this.#wakeups = wakeups;
    this.#back.resolve();
  }

  get away(): Away | null {
    return this.#away;
  }

  leave(problem: string): void {
    if (this.#away?.problem === problem) return;
    if (this.#away === null) {
      this.#log.warn({ problem }, "the database is away");
      this.#back = Promise.withResolvers();
    }
    this.#away = { since: this.#away?.since ?? this.#clock.now(), problem };
    this.#wakeups.emit(DATABASE_TOPIC);
  }

  /** Wakes everybody, also when it was never known to be away: there may have been notices that nobody heard. */
  return(): void {
    if (this.#away !== null) this.#log.info({ since: this.#away.since }, "the database is back");
    this.#away = null;
    this.#back.resolve();
    this.#wakeups.emitAll();
  }

  async available(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#away === null) return;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      await Promise.race([this.#back.promise, aborted.promise]);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Whether it is there now, or comes back within `ms`. */
  async within(ms: number): Promise<boolean> {
    if (ms <= 0) return false;
    const timeout = AbortSignal.timeout(Math.ceil(ms));
    return this.available(timeout).then(
      () => true,
      () => false,
    );
  }
}
