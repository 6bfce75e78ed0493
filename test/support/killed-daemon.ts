import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "../../src/protocol/link.ts";
import type { Death, Life } from "../fixtures/daemon-killed.ts";
import type { Bench } from "./run.ts";

const fixture = fileURLToPath(new URL("../fixtures/daemon-killed.ts", import.meta.url));

/**
 * A daemon in a process of its own, which starts the bench's run or takes it up, executes commands once the agent has
 * made the file `running`, fences the run if it is to, and dies.
 */
export async function liveAndDie(
  bench: Bench,
  { commands = [], fence = false, death }: { commands?: Command[]; fence?: boolean; death: Death },
): Promise<void> {
  const life: Life = {
    place: bench.place,
    runs: dirname(bench.path),
    commands: [{ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] }, ...commands],
    ready: join(bench.repository.root, "running"),
    fence: fence ? bench.spec.runId : null,
    death,
  };
  const child = spawn(process.execPath, [fixture, JSON.stringify(life)], { stdio: ["ignore", "inherit", "inherit"] });
  assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
}
