import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { removeCheckout } from "../src/daemon/checkout/remove.ts";
import { makeCheckout, openTestRepository } from "../test/support/repository.ts";
import type { TestRepository } from "../test/support/repository.ts";
import { median, timed } from "./measure.ts";
import type { Figure } from "./measure.ts";

const FILES = 10_000;
const PER_DIRECTORY = 100;
const ROUNDS = 9;
const TARGET_RATIO = 1.1;

/** What a task's checkout of a large repository takes, of either kind, against `git worktree add`. */
export async function checkoutFigures(): Promise<Figure[]> {
  await using repository = await openTestRepository(manyFiles());
  const times = { bare: [] as number[], worktree: [] as number[], clone: [] as number[] };
  // They take turns, so that what else the machine does meets all alike.
  for (let round = 0; round < ROUNDS; round += 1) {
    times.bare.push(await bareCheckout(repository, `bare-${round}`));
    for (const kind of ["worktree", "clone"] as const) {
      times[kind].push(await ownCheckout(repository, kind, `${kind}-${round}`));
    }
  }
  const [bare, worktree, clone] = [median(times.bare), median(times.worktree), median(times.clone)];
  return [
    figureOf("checkout of 10,000 files, linked worktree", worktree, bare),
    figureOf("checkout of 10,000 files, shared clone (sandboxed)", clone, bare),
    {
      what: "checkout of 10,000 files, shared clone",
      measured: `${clone.toFixed(0)} ms`,
      peer: `linked worktree ${worktree.toFixed(0)} ms`,
      ratio: clone / worktree,
      target: "none",
      met: null,
    },
  ];
}

function manyFiles(): Record<string, string> {
  const names = Array.from({ length: FILES }, (_, index) => `d${Math.floor(index / PER_DIRECTORY)}/f${index}.txt`);
  return Object.fromEntries(names.map((name) => [name, `${name}\n`.repeat(50)]));
}

async function bareCheckout(repository: TestRepository, name: string): Promise<number> {
  const { dir, root } = repository;
  const place = join(root, name);
  flush();
  const took = await timed(() => repository.run(dir, "worktree", "add", "--quiet", "-b", name, place, "main"));
  repository.run(dir, "worktree", "remove", "--force", place);
  return took;
}

async function ownCheckout(repository: TestRepository, kind: "worktree" | "clone", name: string): Promise<number> {
  const dir = join(repository.worktrees, name);
  flush();
  const took = await timed(() => makeCheckout(repository, { taskId: name, branch: `makima/${name}`, dir, kind }));
  await removeCheckout(repository.git, dir, { deleteBranch: "if-unchanged" });
  return took;
}

/** What one has written is not to be flushed in the time of the next. */
function flush(): void {
  execFileSync("sync");
}

function figureOf(what: string, own: number, bare: number): Figure {
  return {
    what,
    measured: `${own.toFixed(0)} ms`,
    peer: `\`git worktree add\` ${bare.toFixed(0)} ms`,
    ratio: own / bare,
    target: `<= ${TARGET_RATIO}x`,
    met: own / bare <= TARGET_RATIO,
  };
}
