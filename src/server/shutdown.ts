import type { Clock } from "../platform/clock.ts";
import type { Store } from "./db/store.ts";
import { SHUTDOWN_AFTER_TASKS_TOPIC, SHUTDOWN_TOPIC } from "./http/handlers.ts";
import { countLiveTasks } from "./tasks/stop.ts";

/** Longest wait for interrupted tasks to end (ms): the ladder that stops an agent takes 10 s. */
const TASKS_END_WITHIN = 20_000;
const LOOK_EVERY = 100;

export interface ShutdownRequest extends Disposable {
  /** Resolves when a client has asked for it, and the tasks that it also wanted stopped have ended. */
  readonly requested: Promise<void>;
}

export function shutdownRequest(store: Store, clock: Clock): ShutdownRequest {
  const { promise, resolve } = Promise.withResolvers<void>();
  const closed = new AbortController();
  const now = store.wakeups.listen(SHUTDOWN_TOPIC, resolve);
  const later = store.wakeups.listen(SHUTDOWN_AFTER_TASKS_TOPIC, () => {
    void tasksEnded(store, clock, closed.signal).then(resolve, resolve);
  });
  return {
    requested: promise,
    [Symbol.dispose]() {
      closed.abort();
      now[Symbol.dispose]();
      later[Symbol.dispose]();
    },
  };
}

/** Resolves when no task is live, or when it has taken too long: a daemon that is away cannot be waited for. */
async function tasksEnded(store: Store, clock: Clock, closed: AbortSignal): Promise<void> {
  for (let waited = 0; waited < TASKS_END_WITHIN; waited += LOOK_EVERY) {
    if (closed.aborted || (await countLiveTasks(store.db)) === 0) return;
    await clock.sleep(LOOK_EVERY, closed);
  }
}
