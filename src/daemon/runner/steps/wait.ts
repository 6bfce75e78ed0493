import type { RunContext } from "../context.ts";
import { begin } from "./begin.ts";

/** Sleeps until the wait's time has come, then begins the next iteration; a cancelled or detached run is left as it is. */
export async function wait(run: RunContext): Promise<void> {
  const { waiting } = run.state;
  const left = waiting === null ? 0 : waiting.until - run.now();
  // The sleep rejects only because the run is interrupted, which is looked at below.
  if (left > 0) await run.services.clock.sleep(left, run.interrupt).catch(() => undefined);
  if (!run.interrupt.aborted) await begin(run);
}
