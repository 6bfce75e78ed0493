import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { snapshotTree } from "../src/daemon/checkout/snapshot.ts";
import type { SandboxedProcess } from "../src/daemon/sandbox/policy.ts";
import type { Sandboxes } from "../src/daemon/sandbox/sandboxes.ts";
import { launch } from "../src/platform/process/detached.ts";
import { makeCheckout, openTestRepository } from "../test/support/repository.ts";
import type { TestRepository } from "../test/support/repository.ts";
import { sandboxesAt } from "../test/support/sandboxes.ts";
import { medianTimes } from "./measure.ts";
import type { Figure } from "./measure.ts";

const RUNS = 60;
const FILES = 100;

/** What bubblewrap adds to the start of a process, and to makima's own look at a checkout. */
export async function sandboxFigures(): Promise<Figure[]> {
  const files = Array.from({ length: FILES }, (_, index) => [`file-${index}.txt`, `${index}\n`]);
  await using repository = await openTestRepository(Object.fromEntries(files));
  const sandboxes = sandboxesAt(repository);
  return [await startFigure(repository, sandboxes), await snapshotFigure(repository)];
}

async function startFigure(repository: TestRepository, sandboxes: Sandboxes): Promise<Figure> {
  const { dir, commonDir, environment: env, root } = repository;
  const inside: SandboxedProcess = { dir, repository: commonDir, caches: null, env };
  let runs = 0;
  const run = async (sandbox: readonly string[] | null): Promise<void> => {
    const place = join(root, `run-${(runs += 1)}`);
    await using child = await launch({ argv: ["true"], cwd: dir, env, stdinFile: null, dir: place, sandbox });
    await child.exited;
  };
  await run(await sandboxes.forCheck(inside));
  // Prepared anew each time, as for every agent and check.
  const [sandboxed = 0, bare = 0] = await medianTimes(RUNS, [
    async () => run(await sandboxes.forCheck(inside)),
    () => run(null),
  ]);
  return {
    what: "sandboxed process, prepared and spawned to seen exit",
    measured: `${sandboxed.toFixed(1)} ms`,
    peer: `the same without bubblewrap ${bare.toFixed(1)} ms`,
    ratio: sandboxed / bare,
    target: "none",
    met: null,
  };
}

/** After one file has changed, as between two iterations. */
async function snapshotFigure(repository: TestRepository): Promise<Figure> {
  const looks = [];
  for (const kind of ["clone", "worktree"] as const) {
    const place = { taskId: kind, branch: `makima/${kind}`, dir: join(repository.worktrees, kind), kind };
    const checkout = await makeCheckout(repository, place);
    looks.push(async () => {
      await appendFile(join(checkout.dir, "file-1.txt"), "more\n");
      await snapshotTree(repository.git, checkout);
    });
  }
  for (const look of looks) await look();
  const [confined = 0, free = 0] = await medianTimes(RUNS, looks);
  return {
    what: `snapshot of a checkout of ${FILES} files, confined`,
    measured: `${confined.toFixed(1)} ms`,
    peer: `linked worktree, not confined ${free.toFixed(1)} ms`,
    ratio: confined / free,
    target: "none",
    met: null,
  };
}
