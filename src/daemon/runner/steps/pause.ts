import type { RunEventOf } from "../../../protocol/run-events.ts";
import type { RunContext } from "../context.ts";
import { anyAbort } from "../on-abort.ts";

/**
 * Stands still until the run is resumed; a cancelled or detached run is left as it is. A wait that is not over is told
 * again: whoever was told that the run goes on must not take it for working.
 */
export async function pause(run: RunContext): Promise<void> {
  if (!run.state.paused) run.record({ type: "paused", at: run.now() });
  using resumed = run.wishes.when(() => !run.wishes.paused);
  await anyAbort(resumed.signal, run.interrupt);
  if (run.interrupt.aborted) return;
  const at = run.now();
  const { waiting } = run.state;
  const stillWaits = waiting !== null && !isOver(run, waiting) ? [{ ...waiting, at }] : [];
  run.record({ type: "resumed", at }, ...stillWaits);
}

function isOver(run: RunContext, { kind, until }: RunEventOf<"waiting">): boolean {
  return kind === "wake-up" ? run.unheard.length > 0 : until === null || until <= run.now();
}
