import type { RunContext } from "../context.ts";
import { begin } from "./begin.ts";

/**
 * Sleeps until the wait's time has come, then begins the next iteration; a cancelled, detached or paused run is left as
 * it is. A message cuts a backoff short; a spent account cannot hear it before its time.
 */
export async function wait(run: RunContext): Promise<void> {
  const { waiting } = run.state;
  if (waiting === null) throw new Error("there is nothing to wait for");
  const left = waiting.until - run.now();
  const cut = (): boolean => run.wishes.paused || (waiting.kind === "backoff" && run.unheard.length > 0);
  using cutShort = run.wishes.when(cut);
  // The sleep rejects only because something ends it early, which is looked at below.
  if (left > 0) {
    await run.services.clock.sleep(left, AbortSignal.any([run.interrupt, cutShort.signal])).catch(() => undefined);
  }
  if (!run.interrupt.aborted && !run.wishes.paused) await begin(run);
}
