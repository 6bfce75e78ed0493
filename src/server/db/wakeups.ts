/**
 * Tells waiting readers that there may be something new. A wake-up carries nothing: who is woken reads the store, so a
 * lost or a needless one does no harm beyond a moment or a query.
 */
export class Wakeups {
  readonly #listeners = new Map<string, Set<() => void>>();

  listen(topic: string, wake: () => void): Disposable {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(wake));
    return {
      [Symbol.dispose]: () => {
        listeners.delete(wake);
        if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
      },
    };
  }

  emit(topic: string): void {
    for (const wake of this.#listeners.get(topic) ?? []) wake();
  }

  /** For when it is not known what has been missed. */
  emitAll(): void {
    for (const topic of this.#listeners.keys()) this.emit(topic);
  }
}

/** Topics besides those of the protocol (the change feed and streams). */
/** The database went away or came back; of this server alone. */
export const DATABASE_TOPIC = "database";
export const DISPATCH_TOPIC = "dispatch";
export const ENDED_RUNS_TOPIC = "ended-runs";
/** Output of ended runs has its final size. */
export const MERGED_TOPIC = "merged";

export function commandsTopic(daemonId: string): string {
  return `commands/${daemonId}`;
}

export function runEndedTopic(runId: string): string {
  return `ended/${runId}`;
}

/** Waits for wake-ups without missing one: clear the bell, look, and wait; a ring since the clearing ends the wait. */
export class Bell implements Disposable {
  readonly #listeners: readonly Disposable[];
  #rung = false;
  #waiting: (() => void) | null = null;

  constructor(wakeups: Wakeups, topics: readonly string[]) {
    this.#listeners = topics.map((topic) => wakeups.listen(topic, () => this.ring()));
  }

  clear(): void {
    this.#rung = false;
  }

  /** Resolves at once when the bell has rung since it was cleared. One waiter at a time. */
  async wait(): Promise<void> {
    if (!this.#rung) await new Promise<void>((resolve) => (this.#waiting = resolve));
    this.#waiting = null;
  }

  ring(): void {
    this.#rung = true;
    this.#waiting?.();
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener[Symbol.dispose]();
  }
}
