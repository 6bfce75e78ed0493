import type { Clock } from "../platform/clock.ts";
import type { Store, Write } from "./db/store.ts";
import { countLiveTasks } from "./tasks/stop.ts";

/** Longest wait for interrupted tasks to end (ms): the ladder that stops an agent takes 10 s. */
const TASKS_END_WITHIN = 20_000;
const LOOK_EVERY = 100;

/** A wake-up like any other: it may come from another server, or from the database's return. */
const SHUTDOWN_TOPIC = "shutdown";

/** What a client wants of this server: to stop now, or when the tasks that were interrupted have ended. */
export type Shutdown = "now" | "after-tasks";

export class ShutdownRequest implements Disposable {
  /** Resolves when a client has asked for it, and the tasks that it also wanted stopped have ended. */
  readonly requested: Promise<void>;
  readonly #listener: Disposable;
  readonly #closed = new AbortController();
  #wanted: Shutdown | null = null;

  constructor(store: Store, clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.requested = promise;
    this.#listener = store.wakeups.listen(SHUTDOWN_TOPIC, () => {
      if (this.#wanted === "now") resolve();
      if (this.#wanted === "after-tasks") void tasksEnded(store, clock, this.#closed.signal).then(resolve, resolve);
    });
  }

  /** Takes effect when the transaction is committed. */
  want(tx: Write, shutdown: Shutdown): void {
    this.#wanted = shutdown;
    tx.wake(SHUTDOWN_TOPIC);
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#listener[Symbol.dispose]();
  }
}

/** Resolves when no task is live, or when it has taken too long: a daemon that is away cannot be waited for. */
async function tasksEnded(store: Store, clock: Clock, closed: AbortSignal): Promise<void> {
  for (let waited = 0; waited < TASKS_END_WITHIN; waited += LOOK_EVERY) {
    if (closed.aborted || (await countLiveTasks(store.db)) === 0) return;
    await clock.sleep(LOOK_EVERY, closed);
  }
}
