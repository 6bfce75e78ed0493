import type { MakimaError } from "../core/errors.ts";

/** How a call that gets no usable answer is repeated. */
export interface Persistence {
  /** Time (ms) after which no further attempt begins. */
  patience: number;
  /** Told once for each call that has to be repeated. */
  onRetry: (error: MakimaError) => void;
}

/** What came of one attempt. */
export type Attempt<T> = { reply: T } | Failure;

export interface Failure {
  error: MakimaError;
  /** Whether the same request may succeed later. */
  again: boolean;
  /** Time (ms) that the server wants to be left alone; null: it has not said. */
  after: number | null;
}

const FIRST_RETRY = 100;
const LAST_RETRY = 5_000;

/** Repeats `attempt` while that may help; throws the last error, or the signal's reason when it aborts. */
export async function withRetries<T>(
  attempt: () => Promise<Attempt<T>>,
  { patience, onRetry }: Persistence,
  signal: AbortSignal | undefined,
): Promise<T> {
  const deadline = performance.now() + patience;
  for (let tries = 0; ; tries += 1) {
    const outcome = await attempt();
    if ("reply" in outcome) return outcome.reply;
    const wait = Math.max(outcome.after ?? 0, backoff(tries));
    if (!outcome.again || performance.now() + wait > deadline) throw outcome.error;
    if (tries === 0) onRetry(outcome.error);
    await sleep(wait, signal);
  }
}

/** Time (ms) before the next attempt after `tries` earlier ones. With jitter: clients of a restarted server spread out. */
export function backoff(tries: number): number {
  return Math.min(LAST_RETRY, FIRST_RETRY * 2 ** tries) * (0.5 + Math.random() / 2);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = () => {
    clearTimeout(timer);
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => signal?.removeEventListener("abort", onAbort));
}
