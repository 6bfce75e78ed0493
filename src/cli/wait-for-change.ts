import { MakimaError } from "../core/errors.ts";
import { systemClock } from "../platform/clock.ts";
import type { Change } from "../protocol/subscriptions.ts";
import type { Connection } from "./connect.ts";
import type { Context } from "./context.ts";
import { createSubscriber, tellTrouble } from "./subscribe.ts";

export interface WaitOptions<T> {
  /** Position of the change feed after which it may happen. */
  cursor: number;
  /** ms; null: as long as it takes. */
  timeout: number | null;
  /** What a change comes to; null: nothing that is waited for. */
  hear: (change: Change) => T | null;
  /** What becomes of it when nobody waits any more: the hint of `timed_out` and `interrupted`. */
  otherwise: string;
}

/**
 * Reads the change feed until something in it is what is waited for. Ctrl-C ends the wait and nothing else.
 * Throws `timed_out` or `interrupted`.
 */
export async function waitForChange<T>(
  context: Context,
  connection: Connection,
  { cursor, timeout, hear, otherwise: hint }: WaitOptions<T>,
): Promise<T> {
  const end = new AbortController();
  const giveUp = (error: MakimaError) => end.abort(error);
  using _signals = context.onSignals(["SIGINT", "SIGTERM"], () =>
    giveUp(new MakimaError("interrupted", "Nobody waits any more", { hint })),
  );
  using _timer = timer(timeout, () => giveUp(new MakimaError("timed_out", "The time to wait is over", { hint })));
  await using subscriber = createSubscriber(connection, { onTrouble: tellTrouble(context.output) });
  for await (const change of subscriber.changes({ from: cursor, follow: true, signal: end.signal })) {
    const heard = hear(change);
    if (heard !== null) return heard;
  }
  end.signal.throwIfAborted();
  throw new MakimaError("unavailable", "The change feed ended");
}

function timer(ms: number | null, onEnd: () => void): Disposable {
  const disposed = new AbortController();
  if (ms !== null) systemClock.sleep(ms, disposed.signal).then(onEnd, () => {});
  return { [Symbol.dispose]: () => disposed.abort() };
}
