import { systemClock } from "../../platform/clock.ts";
import type { Clock } from "../../platform/clock.ts";

/** A clock by which everything takes a fraction of its time. */
export function fastClock(factor: number): Clock {
  const start = systemClock.now();
  return {
    now: () => Math.round(start + (systemClock.now() - start) * factor),
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
