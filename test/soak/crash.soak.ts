import { test } from "node:test";
import { killDaemon, killServer, killUp } from "../support/kills.ts";
import { onSeeds } from "../support/seeds.ts";

/** Long enough to reach every step between a start and the first acknowledgements (ms). */
const LONGEST_LIFE = 1_500;

/** What is followed ends within the time that a test's command may take. */
const KILLS = 12;

for (const [name, kill] of Object.entries({
  "makima up": killUp,
  "the daemon": killDaemon,
  "the server": killServer,
})) {
  test(`kills of ${name} at random moments neither stop the agent nor lose its output`, { timeout: 600_000 }, () =>
    onSeeds(4, (chance) => kill({ count: KILLS, lifetime: () => chance.below(LONGEST_LIFE) })),
  );
}
