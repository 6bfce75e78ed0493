import type { RunEventOf } from "../../../protocol/run-events.ts";
import type { RunContext } from "../context.ts";
import { anyAbort } from "../on-abort.ts";
import { begin } from "./begin.ts";

/**
 * Sleeps until the wait is over, then begins the next iteration; a cancelled, detached or paused run is left as it is.
 */
export async function wait(run: RunContext): Promise<void> {
  const { waiting } = run.state;
  if (waiting === null) throw new Error("there is nothing to wait for");
  using cutShort = run.wishes.when(() => run.wishes.paused || CUT_SHORT[waiting.kind](run));
  if (waiting.kind === "wake-up") {
    await anyAbort(run.interrupt, cutShort.signal);
  } else {
    const left = waiting.until === null ? 0 : waiting.until - run.now();
    // The sleep rejects only because something ends it early, which is looked at below.
    const early = AbortSignal.any([run.interrupt, cutShort.signal]);
    if (left > 0) await run.services.clock.sleep(left, early).catch(() => undefined);
  }
  if (!run.interrupt.aborted && !run.wishes.paused) await begin(run);
}

/** What ends a wait before its time; a spent account can hear nothing before it. */
const CUT_SHORT: Record<RunEventOf<"waiting">["kind"], (run: RunContext) => boolean> = {
  "usage-limit": () => false,
  backoff: (run) => run.hasUnheardWords,
  "wake-up": (run) => run.unheard.length > 0,
};
