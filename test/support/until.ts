import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for a machine under load; what holds holds after a fraction of it (ms). */
const WITHIN = 60_000;
const LOOK_EVERY = 20;

/** What `condition` gives as soon as that is neither false nor null nor undefined; throws, saying `what`, when it never is. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  within = WITHIN,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + within;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value as Exclude<T, false | null | undefined>;
    if (performance.now() > deadline) throw new Error(`Not within ${within} ms: ${what}`);
    await sleep(LOOK_EVERY);
  }
}
