import type { Endpoint } from "../../client/client.ts";
import { MakimaError } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import type { Paths } from "../../platform/config/paths.ts";
import { SECOND } from "../../platform/config/units.ts";
import { exists } from "../../platform/files.ts";
import { acquireLock } from "../../platform/lock.ts";
import { defineCommand, flag, text } from "../command.ts";
import { readConfig } from "../connect.ts";
import { clientFor } from "../http.ts";
import { localEndpoint, readServerFile } from "../local/server-file.ts";

/** Stopping agents takes up to 10 s (interrupt, terminate, kill), and the server ends after them. */
const GONE_WITHIN = 30 * SECOND;
const LOOK_EVERY = 25;

export const downCommand = defineCommand({
  details: "Agents that are at work go on, and the next `makima up` finds them again.",
  arguments: [],
  options: {
    stopTasks: flag("--stop-tasks", "Stop every task first; with a shared database those of all its servers"),
    config: text("--config <file>", "Configuration file to read"),
  },
  examples: [
    ["makima down", "Stop the local server and daemon, and leave the agents at work"],
    ["makima down --stop-tasks", "Stop everything"],
  ],
  async run(context, { options }) {
    const { output } = context;
    const paths = pathsIn((await readConfig(context, options)).home);
    if (!(await isLocked(paths))) {
      output.line("No local server is running.");
      output.document({ running: false, tasksStopped: 0 });
      return 0;
    }
    const endpoint = await localEndpoint(paths);
    if (endpoint === null) throw await deaf(paths);
    const stopped = await shutDown(endpoint, paths, options.stopTasks);
    await waitUntilGone(paths);
    output.line(`The local server has stopped${options.stopTasks ? `; tasks stopped: ${stopped}` : ""}.`);
    output.document({ running: false, tasksStopped: stopped });
    return 0;
  },
});

/** Gives how many tasks were stopped. */
async function shutDown(endpoint: Endpoint, paths: Paths, stopTasks: boolean): Promise<number> {
  try {
    return (await clientFor(endpoint).call("shutdown", { stopTasks })).stopped;
  } catch (error) {
    // It cannot even write down that it is to end: its disk is full, or its database away.
    if (error instanceof MakimaError && error.code === "database_unavailable") throw await deaf(paths, error);
    throw error;
  }
}

/** The lock dies with its process, so it tells what a left-behind server.json cannot. */
async function isLocked(paths: Paths): Promise<boolean> {
  if (!(await exists(paths.serverLock))) return false;
  await using lock = await acquireLock(paths.serverLock);
  return lock === null;
}

async function waitUntilGone(paths: Paths): Promise<void> {
  const deadline = performance.now() + GONE_WITHIN;
  while (await isLocked(paths)) {
    if (performance.now() > deadline) throw await deaf(paths);
    await systemClock.sleep(LOOK_EVERY);
  }
}

async function deaf(paths: Paths, cause?: MakimaError): Promise<MakimaError> {
  const file = await readServerFile(paths);
  const hint = file === null ? `See ${paths.upLog}.` : `End it with: kill ${file.pid}`;
  const why = cause === undefined ? "" : `: ${cause.message}`;
  return new MakimaError("unavailable", `The local server runs, but does not end${why}`, { hint, cause });
}
