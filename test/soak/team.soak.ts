import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Chance } from "../cleanup/chance.ts";
import { onSeeds } from "../support/seeds.ts";
import { openStage } from "../support/team-stage.ts";
import type { Stage } from "../support/team-stage.ts";
import { until } from "../support/until.ts";

const FAULTS = 8;

/** How long a fault lasts: shorter and longer than it takes for a daemon to count as lost (ms). */
const LONGEST = 8_000;

test("a team survives faults in any order", { timeout: 900_000 }, () =>
  onSeeds(3, async (chance) => {
    await using stage = await openStage({ servers: 2, daemons: 3, lostAfter: "5s" });
    await until(async () => (await stage.daemonsOnline()) === 3, "three daemons are there");
    await stage.create(4);
    for (let fault = 0; fault < FAULTS; fault += 1) {
      // Contracts are made while something is away.
      await Promise.all([stage.create(1), undergo(stage, chance)]);
    }
    await until(async () => (await stage.daemonsOnline()) === 3, "all are back");
    await stage.end();
  }),
);

async function undergo({ team, postgres }: Stage, chance: Chance): Promise<void> {
  const lasts = chance.below(LONGEST);
  if (chance.once(4)) {
    await postgres.stop(chance.oneOf(["fast", "immediate"]));
    await sleep(lasts);
    return postgres.start();
  }
  const victim = chance.oneOf([...team.daemons, ...team.servers]);
  await victim.kill();
  await sleep(lasts);
  return victim.start();
}
