import { setTimeout as delay } from "node:timers/promises";

/** Where time comes from: injected, so that tests own it. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with an `AbortError` as soon as `signal` aborts, its timer cleared. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    // Node turns a longer timer into one of 1 ms, so a long wait is several timers.
    let left = ms;
    do {
      await delay(Math.min(left, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal });
      left -= LONGEST_TIMER_MS;
    } while (left > 0);
  },
};

const LONGEST_TIMER_MS = 2 ** 31 - 1;
