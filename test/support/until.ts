import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for a machine under load; what holds holds after a fraction of it (ms). */
const WITHIN = 60_000;

/** Time between two looks (ms): longer the longer it takes, because each costs who is asked. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 100;
const PAUSE_PER_WAITED = 1 / 20;

/** What `condition` gives as soon as that is neither false nor null nor undefined; throws, saying `what`, when it never is. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  within = WITHIN,
): Promise<Exclude<T, false | null | undefined>> {
  const start = performance.now();
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value as Exclude<T, false | null | undefined>;
    const waited = performance.now() - start;
    if (waited > within) throw new Error(`Not within ${within} ms: ${what}`);
    await sleep(Math.min(FIRST_PAUSE + waited * PAUSE_PER_WAITED, LONGEST_PAUSE));
  }
}
