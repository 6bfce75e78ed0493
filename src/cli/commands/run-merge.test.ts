import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileInHome, makeWorkshop } from "../../../test/support/workshop.ts";
import type { RunResult, Workshop } from "../../../test/support/workshop.ts";

let shop: Workshop;
before(async () => {
  shop = await makeWorkshop({ agent: { program: "works-until-told.sh" } });
});
after(() => shop[Symbol.asyncDispose]());

/** A person's checkout that may change, unlike the workshop's own; `main` is checked out. */
interface Checkout {
  dir: string;
  git(...args: string[]): string;
  commit(path: string, content: string): Promise<string>;
}

function cloneAs(name: string): Checkout {
  const dir = join(shop.machine.root, name);
  shop.git("clone", "--quiet", shop.repository, dir);
  const git = (...args: string[]) => shop.git("-C", dir, ...args);
  const commit = async (path: string, content: string) => {
    await writeFile(join(dir, path), content);
    git("add", "--all");
    git("commit", "--quiet", `--message=${path}`);
    return git("rev-parse", "HEAD");
  };
  return { dir, git, commit };
}

/** Runs a goal to be merged; `meanwhile` is what the person does while the agent is at work. */
async function run(
  { dir }: Checkout,
  meanwhile: () => Promise<unknown> = async () => {},
  ...options: string[]
): Promise<RunResult> {
  for (const file of ["pid", "finish"]) await rm(join(shop.machine.home, file), { force: true });
  const { result } = shop.startRun("Write it", "--repo", dir, "--merge", ...options);
  await fileInHome(shop.machine, "pid");
  await meanwhile();
  await writeFile(join(shop.machine.home, "finish"), "");
  return result;
}

function outcomeOf({ document }: RunResult): unknown {
  return document.landing?.operations[0]?.result?.["outcome"];
}

test("proven work ends in the branch that is checked out, and in the checkout", async () => {
  const checkout = cloneAs("clean");
  const result = await run(checkout, undefined, "--check", "test -e done.txt");
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual([result.document.contract.status, result.document.landing?.landed], ["completed", true]);
  assert.equal(outcomeOf(result), "merged");
  assert.equal(checkout.git("show", "main:done.txt"), "done");
  assert.equal(checkout.git("status", "--porcelain"), "");
});

test("work without a change has nothing to merge", async () => {
  const checkout = cloneAs("nothing");
  await checkout.commit("half.txt", "half\n");
  const base = await checkout.commit("done.txt", "done\n");
  const { code, document } = await run(checkout);
  assert.equal(code, 0);
  assert.deepEqual(document.landing, { landed: true, operations: [] });
  assert.equal(checkout.git("rev-parse", "main"), base);
});

test("a conflict leaves the branch where it is, and says in which files it is", async () => {
  const checkout = cloneAs("conflict");
  let tip = "";
  const result = await run(checkout, async () => (tip = await checkout.commit("done.txt", "mine\n")));
  assert.equal(result.code, 5);
  assert.equal(outcomeOf(result), "conflict");
  const { error } = JSON.parse(result.stderr) as { error: { code: string; message: string } };
  assert.deepEqual([error.code, error.message], ["merge_conflict", "Not merged into main: conflicts in done.txt"]);
  assert.equal(checkout.git("rev-parse", "main"), tip);
});

test("what fails a check on the merged tree is not merged", async () => {
  const checkout = cloneAs("red");
  let tip = "";
  const check = "! test -e mine.txt || ! test -e done.txt";
  const result = await run(checkout, async () => (tip = await checkout.commit("mine.txt", "mine\n")), "--check", check);
  assert.deepEqual([result.code, outcomeOf(result)], [1, "checks-failed"]);
  assert.equal(checkout.git("rev-parse", "main"), tip);
});

test("a checkout with changes that are not committed is left alone", async () => {
  const checkout = cloneAs("dirty");
  const result = await run(checkout, () => writeFile(join(checkout.dir, "a.txt"), "changed\n"));
  assert.equal(result.code, 5, result.stderr);
  assert.equal(result.document.landing?.landed, false);
  assert.equal(checkout.git("rev-parse", "main"), shop.base);
  assert.equal(checkout.git("status", "--porcelain").trim(), "M a.txt");
});

test("where no branch is checked out there is none to merge into", async () => {
  const checkout = cloneAs("detached");
  checkout.git("checkout", "--quiet", "--detach");
  const { code, stderr } = await shop.makima("run", "Write it", "--repo", checkout.dir, "--merge");
  assert.equal(code, 2);
  assert.match(stderr, /^makima: No branch is checked out in .*\nhint: .*--base/);
});
