import type { RunContext } from "../context.ts";
import { onAbort } from "../on-abort.ts";

/**
 * Stands still until the run is resumed; a cancelled or detached run is left as it is. A wait whose time has not come is
 * told again: whoever was told that the run goes on must not take it for working.
 */
export async function pause(run: RunContext): Promise<void> {
  if (!run.state.paused) run.record({ type: "paused", at: run.now() });
  using resumed = run.wishes.when(() => !run.wishes.paused);
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  using _resumed = onAbort(resumed.signal, wake);
  using _interrupted = onAbort(run.interrupt, wake);
  await woken;
  if (run.interrupt.aborted) return;
  const at = run.now();
  const { waiting } = run.state;
  const stillWaits = waiting !== null && waiting.until > at ? [{ ...waiting, at }] : [];
  run.record({ type: "resumed", at }, ...stillWaits);
}
