/**
 * Tries the whole suite, as the user that it is started as, in a world that it makes at the path that it is given; prints
 * a report. A program of its own, so that root can start it as somebody else.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BubblewrapConfig } from "../../src/platform/config/config.ts";
import { LEFT_BEHIND } from "./case.ts";
import type { EscapeClass } from "./case.ts";
import { differences, fingerprintOf } from "./fingerprint.ts";
import { tryTraps } from "./hostile.ts";
import { sandboxesOf, tryInside } from "./inside.ts";
import { listen } from "./listeners.ts";
import { placesIn, tryOutside } from "./outside.ts";
import type { Outcome, Report } from "./report.ts";
import { SUITE, WITHOUT_NETWORK } from "./suite.ts";
import { startVictim } from "./victim.ts";
import { makeClone, makeWorld } from "./world.ts";
import type { World } from "./world.ts";

/** Task, network, what is tried. */
const STAGES = [
  ["own", "host", SUITE],
  ["offline", "none", WITHOUT_NETWORK],
] as const;

const [root = ""] = process.argv.slice(2);
console.log(JSON.stringify(await report(root)));

async function report(path: string): Promise<Report> {
  const world = await makeWorld(path);
  await using listeners = await listen();
  using victim = await startVictim(world);
  const variables = { ...listeners.variables, ...victim.variables };
  await makeClone(world, "other", sandboxesOf(world));
  const outcomes: Outcome[] = [];
  const changed: string[] = [];
  for (const [taskId, network, classes] of STAGES) {
    const tried = await tryClasses(world, { taskId, network, classes, variables });
    outcomes.push(...tried.outcomes);
    changed.push(...tried.changed);
  }
  const traps = await tryTraps(world, sandboxesOf(world));
  return { outcomes, traps, changed, leftBehind: await carriersOf(LEFT_BEHIND), victimIsWell: victim.isWell() };
}

interface Trial {
  taskId: string;
  network: BubblewrapConfig["network"];
  classes: readonly EscapeClass[];
  variables: Readonly<Record<string, string>>;
}

async function tryClasses(world: World, { taskId, network, classes, variables }: Trial) {
  const cases = classes.flatMap((one) => one.cases);
  const sandboxes = sandboxesOf(world, network);
  const { dir } = await makeClone(world, taskId, sandboxes);
  // Before the sandbox is there, so that the copies are of a checkout that nobody has touched.
  const outside = await tryOutside(world, classes, { taskId, variables });
  const mayChange = mayChangeIn(world, dir, taskId);
  const before = await fingerprintOf(world.root, mayChange);
  const places = { ...variables, ...placesIn(world, dir) };
  const inside = await tryInside(world, { taskId, dir, sandboxes, cases, variables: places });
  const changed = differences(before, await fingerprintOf(world.root, mayChange));
  const outcomes = cases.flatMap((one, index): Outcome[] => {
    const tried = inside[index];
    return tried === undefined ? [] : [{ name: one.name, inside: tried, outside: outside.get(one) ?? null }];
  });
  return { outcomes, changed };
}

/** The checkout, the caches, the agent's state, and what makima itself writes of the run. */
function mayChangeIn({ home, makima }: World, dir: string, taskId: string): string[] {
  const makimas = ["caches", "agents", join("runs", taskId)];
  return [dir, join(home, "shared"), ...makimas.map((path) => join(makima, path))];
}

/** Command lines of the processes that have `word` in theirs. */
async function carriersOf(word: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.includes(word)).map((line) => line.replaceAll("\0", " "));
}
