import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EscapeCase, EscapeClass } from "./case.ts";
import { PROBE_TIMEOUT } from "./probes.ts";
import type { Tried } from "./probes.ts";
import { startVictim } from "./victim.ts";
import { environmentOf, worldAt } from "./world.ts";
import type { World } from "./world.ts";

/** Each is mostly the start of processes. */
const AT_A_TIME = 3;

interface Trial {
  /** Task whose checkout it is in. */
  taskId: string;
  /** Where things are that are not in a world. */
  variables: Readonly<Record<string, string>>;
}

/**
 * What cases come to without a sandbox, in copies of the world, and with all that the daemon's environment holds. Left out
 * are those that are not tried.
 */
export async function tryOutside(
  world: World,
  classes: readonly EscapeClass[],
  trial: Trial,
): Promise<ReadonlyMap<EscapeCase, Tried>> {
  const results = new Map<EscapeCase, Tried>();
  const queue = classes.entries();
  const workers = Array.from({ length: AT_A_TIME }, async () => {
    for (const [index, one] of queue) await tryInCopy(world, `${world.root}-${index}`, one, trial, results);
  });
  await Promise.all(workers);
  return results;
}

/** One after the other. */
async function tryInCopy(
  world: World,
  root: string,
  { cases, spoils }: EscapeClass,
  { taskId, variables }: Trial,
  results: Map<EscapeCase, Tried>,
): Promise<void> {
  const tried = cases.filter(({ control }) => control === "done" || (isRoot && control === "done as root"));
  await run("sh", ["-c", COPY, "sh", world.root, root]);
  const copy = worldAt(root);
  const cwd = join(copy.worktrees, taskId);
  const spoilt = spoils === undefined ? null : join(copy.home, spoils);
  if (spoilt !== null) await run("cp", ["-a", spoilt, `${root}/spare`]);
  try {
    using victim = tried.some(({ script }) => /VICTIM|SHARED_MEMORY/.test(script)) ? await startVictim(copy) : null;
    const env = { ...environmentOf(copy), ...variables, ...placesIn(copy, cwd), ...victim?.variables };
    for (const one of tried) {
      results.set(one, await tryScript(one.script, cwd, env));
      if (spoilt !== null) await run("sh", ["-c", 'rm -rf "$1" && cp -a "$2" "$1"', "sh", spoilt, `${root}/spare`]);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const isRoot = process.getuid?.() === 0;

/** The copy's own paths stand in it wherever git has written one down. */
const COPY =
  'cp -a "$1" "$2" && { grep -rlIF -- "$1/" "$2" | while read -r file; do sed -i "s|$1/|$2/|g" "$file"; done; }';

/** The variables that tell a script where things are. */
export function placesIn(world: World, checkout: string): Record<string, string> {
  return {
    REPO: world.repository,
    MAKIMA: world.makima,
    OUT: world.outside,
    OTHER: join(world.worktrees, "other"),
    CHECKOUT: checkout,
    DESCRIPTORS: "/tmp/descriptors",
  };
}

const run = promisify(execFile);

function tryScript(script: string, cwd: string, env: Record<string, string>): Promise<Tried> {
  return new Promise((resolve) => {
    const options = { cwd, env, timeout: PROBE_TIMEOUT, killSignal: "SIGKILL" } as const;
    const child = execFile("sh", ["-c", script], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, said: `${stdout}${stderr}`.slice(-500) }),
    );
    child.stdin?.end();
  });
}
