import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { TestRepository } from "../../../test/support/repository.ts";
import { checkoutSpec, hashRepository, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { openCheckout } from "./checkout.ts";
import type { CheckoutKind } from "./checkout.ts";
import { createCheckout } from "./create.ts";
import { removeCheckout } from "./remove.ts";

const fixture = fileURLToPath(new URL("../../../test/fixtures/checkout-killed.ts", import.meta.url));

const { missing: skip } = await bubblewrapHere();

type Deaths = readonly (readonly ["before" | "after", string])[];

const MAKING: Record<CheckoutKind, Deaths> = {
  worktree: [
    ["after", "commit-tree"],
    ["after", "update-ref"],
    ["before", "worktree add"],
    ["after", "worktree add"],
  ],
  clone: [
    ["after", "update-ref --stdin"],
    ["after", "read-tree --reset"],
  ],
};

const REMOVING: Record<CheckoutKind, Deaths> = {
  worktree: [
    ["after", "add"],
    ["after", "commit-tree"],
    ["after", "update-ref --no-deref -m makima: salvaged"],
    ["before", "update-ref --no-deref -d"],
    ["after", "update-ref --no-deref -d"],
  ],
  clone: [
    ["after", "fetch"],
    ["after", "update-ref --no-deref -m makima: salvaged"],
    ["after", "update-ref --stdin"],
  ],
};

for (const kind of ["worktree", "clone"] as const) {
  const options = { skip: kind === "clone" && skip };
  test(`a ${kind} whose making was killed is made whole by the next attempt`, options, () => killMaking(kind));
  test(`a removal of a ${kind} that was killed is finished by the next one`, options, () => killRemoving(kind));
}

async function killMaking(kind: CheckoutKind): Promise<void> {
  for (const [moment, words] of MAKING[kind]) {
    await using r = await openTestRepository();
    await writeFiles(r.dir, { "a.txt": "two\n", "new.txt": "n\n" });
    const before = await hashRepository(r.dir);
    const spec = { ...checkoutSpec(r), kind, includeChanges: true };
    die(r, ["create", JSON.stringify(spec), moment, words]);
    const checkout = await createCheckout(r.git, spec);
    assert.equal(await readFile(join(checkout.dir, "new.txt"), "utf8"), "n\n", words);
    assert.equal(r.run(checkout.dir, "status", "--porcelain"), "", words);
    assert.equal(r.run(checkout.dir, "rev-list", "--count", `${r.base}..HEAD`), "1", words);
    assert.deepEqual(await openCheckout(checkout.dir), checkout, words);
    assert.deepEqual(await traces(r), WHOLE[kind], words);
    assert.equal(await hashRepository(r.dir), before, words);
  }
}

const WHOLE = {
  worktree: { files: ["task-1", "task-1.json"], worktrees: 2, refs: 0 },
  clone: { files: ["task-1", "task-1.gitconfig", "task-1.index", "task-1.json"], worktrees: 1, refs: 2 },
};

async function killRemoving(kind: CheckoutKind): Promise<void> {
  await using r = await openTestRepository();
  for (const [moment, words] of REMOVING[kind]) {
    const { dir } = await createCheckout(r.git, { ...checkoutSpec(r), kind });
    await writeFiles(dir, { "work.txt": words });
    die(r, ["remove", JSON.stringify(dir), moment, words]);
    await removeCheckout(r.git, dir, { deleteBranch: "if-unchanged" });
    assert.equal(r.run(r.dir, "show", "refs/makima/salvage/task-1/checkout:work.txt"), words);
    assert.equal(r.run(r.dir, "branch", "--list", "makima/*"), "", words);
    assert.deepEqual(await traces(r), { files: [".trash"], worktrees: 1, refs: 0 }, words);
  }
}

test("a making killed at any moment can be taken up, or given up", async () => {
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`d${index % 9}/${index}`, "x"]));
  await using r = await openTestRepository(files);
  const spec = checkoutSpec(r);
  const started = performance.now();
  assert.equal(run(r, ["create", JSON.stringify(spec)]), "ended");
  const duration = performance.now() - started;
  for (let part = 5; part <= 9; part += 1) {
    await removeCheckout(r.git, spec.dir, { deleteBranch: "if-unchanged" });
    assert.deepEqual(await traces(r), { files: [".trash"], worktrees: 1, refs: 0 });
    run(r, ["create", JSON.stringify(spec)], (duration * part) / 10);
    if (part % 2 === 0) continue;
    const { dir } = await createCheckout(r.git, spec);
    assert.equal(r.run(dir, "status", "--porcelain"), "");
  }
});

function die(r: TestRepository, args: string[]): void {
  assert.equal(run(r, args), "SIGKILL");
}

/** Runs the fixture to its end, or kills it (alone: its git goes on) after some milliseconds. */
function run(r: TestRepository, args: string[], killAfterMs = 60_000): string {
  const { signal, status, stderr } = spawnSync(process.execPath, [fixture, ...args], {
    env: { ...r.environment, WORKTREES: r.worktrees },
    encoding: "utf8",
    killSignal: "SIGKILL",
    timeout: Math.round(killAfterMs),
  });
  assert.ok(signal === "SIGKILL" || status === 0, stderr);
  return signal ?? "ended";
}

/** `refs`: those that makima needs while there is a checkout. */
async function traces(r: TestRepository) {
  const worktrees = r.run(r.dir, "worktree", "list", "--porcelain").split("\n\n").length;
  const refs = r.run(r.dir, "for-each-ref", "refs/makima/base", "refs/makima/imported").split("\n").filter(Boolean);
  return { files: (await readdir(r.worktrees)).toSorted(), worktrees, refs: refs.length };
}
