import { randomInt } from "node:crypto";
import { Chance } from "./chance.ts";
import { openGround, runSequence } from "./sequence.ts";
import type { Ground } from "./sequence.ts";

/** Sequences in one repository: it should be neither new nor huge. */
const ON_ONE_GROUND = 25;

/**
 * Runs as many random sequences of making, spoiling, dying and removing. One that fails says its seed, with which it
 * comes again: `MAKIMA_SEED=<seed>` runs that sequence alone.
 */
export async function runSequences({ count, kinds }: { count: number; kinds: Ground["kinds"] }): Promise<void> {
  const given = process.env["MAKIMA_SEED"];
  const first = given === undefined ? randomInt(2 ** 31) : Number(given);
  const last = given === undefined ? first + count : first + 1;
  for (let seed = first; seed < last;) {
    await using ground = await openGround(kinds);
    for (const end = Math.min(seed + ON_ONE_GROUND, last); seed < end; seed += 1) {
      try {
        await runSequence(ground, new Chance(seed), `task-${seed}`);
      } catch (error) {
        throw new Error(`MAKIMA_SEED=${seed} (${kinds.join()}): ${String(error)}`, { cause: error });
      }
    }
  }
}
