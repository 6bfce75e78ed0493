import { execFile } from "node:child_process";
import { chmod, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { MakimaError } from "../../src/core/errors.ts";
import type { Checkout } from "../../src/daemon/checkout/checkout.ts";
import { finalCommit } from "../../src/daemon/checkout/final-commit.ts";
import { removeCheckout } from "../../src/daemon/checkout/remove.ts";
import { checkpoint, snapshotTree } from "../../src/daemon/checkout/snapshot.ts";
import type { Sandboxes } from "../../src/daemon/sandbox/sandboxes.ts";
import type { Git } from "../../src/platform/git/git.ts";
import { PROBE_TIMEOUT } from "./probes.ts";
import type { TrapOutcome } from "./report.ts";
import { TRAPS } from "./traps.ts";
import type { Trap } from "./traps.ts";
import { environmentOf, gitOf, makeClone } from "./world.ts";
import type { World } from "./world.ts";

/** Leaves traps in checkouts, has makima do with them all that it does, and then a person in the repository. */
export async function tryTraps(world: World, sandboxes: Sandboxes): Promise<TrapOutcome[]> {
  const trap = await makeTrapPrograms(world);
  const unprotected = new Map<Trap, boolean>();
  for (const one of TRAPS) {
    if (one.springs !== null) unprotected.set(one, await springsIn(world, one, trap));
  }
  const together = TRAPS.filter(({ alone }) => alone !== true);
  const groups = [together, ...TRAPS.filter(({ alone }) => alone === true).map((one) => [one])];
  for (const [index, group] of groups.entries()) {
    const checkout = await makeClone(world, `trapped-${index}`, sandboxes);
    for (const { plant } of group) await sh(world, checkout.dir, plant, trap);
    await workOn(gitOf(world, sandboxes), checkout);
  }
  await sh(world, world.repository, AS_A_PERSON, trap);
  const marks = await marksIn(world);
  return TRAPS.map((one) => ({
    name: one.name,
    sprung: marks.includes(one.name),
    springsUnprotected: unprotected.get(one) ?? null,
  }));
}

/** In the person's own checkout, after everything that makima brought into the repository. */
const AS_A_PERSON =
  "git status && git log --all --patch --ext-diff --textconv > /dev/null && git diff main 'makima/goal/trapped-0' > /dev/null && git add --all --dry-run";

/** What makima's git does in the course of a task, and at its end. */
async function workOn(git: Git, checkout: Checkout): Promise<void> {
  const steps = [
    async () => checkpoint(git, checkout, { n: 1, snapshot: await snapshotTree(git, checkout), message: "One\n" }),
    async () => finalCommit(git, checkout, { message: "Done\n" }),
    async () => removeCheckout(git, checkout.dir, { deleteBranch: "keep" }),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      // It may well find that nothing can be done with such a checkout.
      if (!(error instanceof MakimaError)) throw error;
    }
  }
}

/** Whether the trap is one at all: in a plain clone, by the person's own git. */
async function springsIn(world: World, trap: Trap, variables: Variables): Promise<boolean> {
  const dir = join(world.root, "unprotected");
  await sh(world, world.root, `git clone --quiet --shared --template= "${world.repository}" unprotected`, variables);
  await sh(world, dir, trap.plant, variables);
  await sh(world, dir, `(${trap.springs}) || true`, variables);
  const marks = await marksIn(world);
  for (const mark of marks) await rm(join(world.outside, `${MARK}${mark}`));
  await rm(dir, { recursive: true });
  return marks.includes(trap.name);
}

type Variables = Readonly<Record<string, string>>;
const MARK = "sprung-";

async function marksIn(world: World): Promise<string[]> {
  const names = await readdir(world.outside);
  return names.filter((name) => name.startsWith(MARK)).map((name) => name.slice(MARK.length));
}

/** Programs that leave a mark named as their first argument; that which signs is given other arguments. git waits for what stands for ssh. */
async function makeTrapPrograms({ root, outside }: World): Promise<Variables> {
  const programs = { TRAP: '"$1"', TRAP_SIGN: "signing" };
  for (const [variable, mark] of Object.entries(programs)) {
    const path = join(root, variable);
    await writeFile(path, `#!/bin/sh\ntouch "${outside}/${MARK}"${mark}\n[ "$1" = ssh ] || exec cat\n`);
    await chmod(path, 0o755);
  }
  return Object.fromEntries(Object.keys(programs).map((variable) => [variable, join(root, variable)]));
}

const run = promisify(execFile);

async function sh(world: World, cwd: string, script: string, variables: Variables): Promise<void> {
  const child = run("sh", ["-c", script], {
    cwd,
    env: { ...environmentOf(world), ...variables },
    timeout: PROBE_TIMEOUT,
  });
  // What reads its input to the end is to find one.
  child.child.stdin?.end();
  await child;
}
