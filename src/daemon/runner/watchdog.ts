import type { LoopLimits } from "../../protocol/run-spec.ts";

/** An agent that has given its result and does not end by itself within this time (ms) is ended: it can hang there. */
const AFTER_RESULT = 10_000;

/** The longest time that Node can wait for (ms, 25 days); a longer one it would take for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export type Expiry = "idle" | "wall" | "after-result";

/**
 * The three time limits of an agent process. Activity is only noted, not timed: an output flood must not cost a timer
 * a chunk, so one timer per limit looks at the note when it is due and sleeps on for what is left.
 */
export class Watchdog implements Disposable {
  readonly #timers = new Map<Expiry, NodeJS.Timeout>();
  readonly #expired: (expiry: Expiry) => void;
  #activeAt = performance.now();

  /** `elapsedMs`: how long the process had been running when this daemon began to watch it. */
  constructor(
    limits: Pick<LoopLimits, "idleTimeoutMs" | "iterationTimeoutMs">,
    elapsedMs: number,
    expired: (expiry: Expiry) => void,
  ) {
    this.#expired = expired;
    this.#arm("wall", Math.max(0, limits.iterationTimeoutMs - elapsedMs));
    this.#watchIdle(limits.idleTimeoutMs);
  }

  active(): void {
    this.#activeAt = performance.now();
  }

  /** The agent has given its result; only the first call counts. */
  resultSeen(): void {
    if (!this.#timers.has("after-result")) this.#arm("after-result", AFTER_RESULT);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #watchIdle(limit: number): void {
    const left = this.#activeAt + limit - performance.now();
    if (left <= 0) this.#expired("idle");
    else
      this.#timers.set(
        "idle",
        setTimeout(() => this.#watchIdle(limit), Math.min(left, LONGEST_TIMER)),
      );
  }

  #arm(expiry: Expiry, ms: number): void {
    this.#timers.set(
      expiry,
      setTimeout(() => this.#expired(expiry), Math.min(ms, LONGEST_TIMER)),
    );
  }
}
