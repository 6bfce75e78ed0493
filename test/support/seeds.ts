import { randomInt } from "node:crypto";
import { Chance } from "../cleanup/chance.ts";

/**
 * Runs as many random courses of events, one after the other, and prints the seed of each before it begins:
 * `MAKIMA_SEED=<seed>` runs that one alone.
 */
export async function onSeeds(count: number, body: (chance: Chance) => Promise<void>): Promise<void> {
  const given = process.env["MAKIMA_SEED"];
  const seeds = given === undefined ? Array.from({ length: count }, () => randomInt(2 ** 31)) : [Number(given)];
  for (const seed of seeds) {
    console.log(`MAKIMA_SEED=${seed}`);
    await body(new Chance(seed));
  }
}
