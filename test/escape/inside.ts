import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { contractCaches, sandboxVariables } from "../../src/daemon/sandbox/caches.ts";
import { Sandboxes } from "../../src/daemon/sandbox/sandboxes.ts";
import { defaultConfig } from "../../src/platform/config/config.ts";
import type { BubblewrapConfig } from "../../src/platform/config/config.ts";
import { paths as pathsIn } from "../../src/platform/config/paths.ts";
import { launch } from "../../src/platform/process/detached.ts";
import { cli } from "../support/machine.ts";
import type { EscapeCase } from "./case.ts";
import { PROBE_COMMAND, probesInput } from "./probes.ts";
import type { Tried } from "./probes.ts";
import { environmentOf } from "./world.ts";
import type { World } from "./world.ts";

/** makima's sandboxes for this world, with some of everything configured. */
export function sandboxesOf(world: World, network: BubblewrapConfig["network"] = "host"): Sandboxes {
  const { home, makima, worktrees } = world;
  return new Sandboxes({
    config: {
      ...defaultConfig().process.bubblewrap,
      enabled: true,
      network,
      hidden: [join(home, "vault"), join(home, "deposit")],
      readonly: [join(home, "vault/shown")],
      writable: [join(home, "shared")],
      // Small, so that it is soon full.
      tmpSizeBytes: 32e6,
    },
    environment: environmentOf(world),
    paths: pathsIn(makima),
    worktrees,
    secrets: ["config.toml", "webhook.secret"].map((name) => join(home, ".config/makima", name)),
    selfCommand: [process.execPath, cli],
  });
}

interface Probing {
  taskId: string;
  /** Its checkout. */
  dir: string;
  sandboxes: Sandboxes;
  cases: readonly EscapeCase[];
  /** What tells the scripts where things are. */
  variables: Readonly<Record<string, string>>;
}

/** Tries everything in one sandbox, which is made and started as that of an agent is. */
export async function tryInside(world: World, { taskId, dir, sandboxes, cases, variables }: Probing): Promise<Tried[]> {
  const { home, makima } = world;
  const runDirectory = join(makima, "runs", taskId, "iterations/0001");
  await mkdir(runDirectory, { recursive: true });
  const caches = contractCaches(makima, "contract");
  const state = join(makima, "agents/contract");
  const { PATH = "", LANG = "", TERM = "" } = environmentOf(world);
  const given = { PATH: `${pathsIn(makima).bin}:${PATH}`, HOME: home, LANG, TERM, CLAUDE_CONFIG_DIR: state };
  const env = { ...given, ...sandboxVariables(caches), ...variables };
  const repository = join(world.repository, ".git");
  const agentState = { readable: [], hidden: [], writable: [state], scratch: [] };
  const agent = { dir, repository, caches, env, command: PROBE_COMMAND, state: agentState, files: [] };
  const stdinFile = join(runDirectory, "stdin");
  const input = probesInput(cases);
  await writeFile(stdinFile, input, { mode: 0o600 });
  const sandbox = await sandboxes.forAgent(agent);
  await using running = await launch({ argv: PROBE_COMMAND, cwd: dir, env, stdinFile, dir: runDirectory, sandbox });
  await running.exited;
  await running.drained(5000);
  if ((await readFile(stdinFile, "utf8")) !== input) throw new Error("What it was told was forged afterwards");
  const output = await readFile(join(runDirectory, "out"), "utf8");
  const lines = output.trim().split("\n");
  if (lines.length === cases.length) return lines.map((line) => JSON.parse(line) as Tried);
  throw new Error(
    `${lines.length} of ${cases.length}: ${output}\n${await readFile(join(runDirectory, "err"), "utf8")}`,
  );
}
