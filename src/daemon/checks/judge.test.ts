import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openBench } from "../../../test/support/run.ts";
import type { Bench, Hold } from "../../../test/support/run.ts";
import { openCheckout } from "../checkout/checkout.ts";
import { snapshotTree } from "../checkout/snapshot.ts";
import { baseline } from "../runner/steps/baseline.ts";
import { begin } from "../runner/steps/begin.ts";
import { prepare } from "../runner/steps/prepare.ts";
import { start } from "../runner/steps/start.ts";
import { judge } from "./judge.ts";
import { verificationOf } from "./verification.ts";

test("the judgement of a claim runs every check, also after one has failed, and knows how each went on the base", async () => {
  await using bench = await openBegun(["test -f done", "exit 7", "true"]);
  await writeFile(join(bench.worktree, "done"), "");
  const { checks } = await judged(bench);
  assert.deepEqual(
    checks.map(({ name, passed, exitCode }) => [name, passed, exitCode]),
    [
      ["test -f done", true, 0],
      ["exit 7", false, 7],
      ["true", true, 0],
    ],
  );
  const reports = bench.hold.context.state.open?.checks ?? [];
  assert.deepEqual(
    reports.map((report) => report.baseline),
    [false, false, true],
  );
  assert.equal(verificationOf(reports, []), "verified");
});

test("the judgement of a claim lets a check use what one before it built, and clears that away in the end", async () => {
  await using bench = await openBegun(["mkdir -p dist && echo built >dist/x", "test -f dist/x", "false"]);
  await writeFile(join(bench.worktree, "work"), "");
  const { checks } = await judged(bench);
  assert.deepEqual(
    checks.map(({ passed }) => passed),
    [true, true, false],
  );
  assert.equal(bench.repository.run(bench.worktree, "status", "--porcelain"), "?? work");
});

test("the judgement of a claim says what was done to that which the checks lean on, by the agent and by the checks", async () => {
  const files = { "sum.test.js": 'test("sum", () => {});\n', "a.txt": "one\n" };
  await using bench = await openBegun(["echo forged >a.txt"], files);
  await rm(join(bench.worktree, "sum.test.js"));
  await writeFile(join(bench.worktree, ".makima.toml"), 'checks = ["true"]\n');
  const { tampering } = await judged(bench);
  assert.deepEqual(tampering.map(({ kind, path }) => `${kind} ${path}`).toSorted(), [
    "check-changed-files a.txt",
    "check-config-changed .makima.toml",
    "test-deleted sum.test.js",
  ]);
});

test("the judgement of a claim runs the checks of the base, whatever the checkout says now", async () => {
  const files = { ".makima.toml": 'checks = ["test -f never"]\n' };
  await using bench = await openBegun(["true"], files);
  await writeFile(join(bench.worktree, ".makima.toml"), 'checks = ["true"]\n');
  const { checks } = await judged(bench);
  assert.deepEqual(
    checks.map(({ name, passed }) => [name, passed]),
    [
      ["true", true],
      ["test -f never", false],
    ],
  );
});

test("the judgement of a claim does not run again what an earlier daemon has reported", async () => {
  await using bench = await openBegun(["echo again >>../../ran; exit 4"]);
  await judged(bench);
  await bench.hold[Symbol.asyncDispose]();
  await using next = await bench.takeUp();
  const { checks } = await judged({ ...bench, hold: next });
  assert.deepEqual(
    checks.map(({ exitCode }) => exitCode),
    [4],
  );
  // Once on the base, once for the claim.
  assert.equal(next.context.state.open?.checks.length, 1);
  assert.equal(await readFile(join(bench.repository.root, "ran"), "utf8"), "again\nagain\n");
});

test("verification is by checks that failed before, only then by checks that pass still, else by nothing, nor by weakened ones", async () => {
  await using bench = await openBegun(["true"]);
  await judged(bench);
  const [report] = bench.hold.context.state.open?.checks ?? [];
  assert.ok(report);
  const unknown = { ...report, baseline: null };
  const mended = { ...report, baseline: false };
  assert.equal(verificationOf([], []), "unverified");
  assert.equal(verificationOf([report], []), "regression-only");
  assert.equal(verificationOf([unknown], []), "regression-only");
  assert.equal(verificationOf([report, mended], []), "verified");
  assert.equal(verificationOf([{ ...mended, passed: false }], []), "regression-only");
  const flag = { path: "a.test.js", detail: "test file deleted" };
  assert.equal(verificationOf([mended], [{ kind: "test-deleted", ...flag }]), "unverified");
  assert.equal(verificationOf([mended], [{ kind: "check-config-changed", ...flag }]), "verified");
  const undone = { kind: "check-changed-files", path: "a", detail: "undone" } as const;
  const weakened = { kind: "test-deleted", path: "a.test.js", detail: "deleted" } as const;
  assert.equal(verificationOf([mended], [undone]), "verified");
  assert.equal(verificationOf([mended], [undone, weakened]), "unverified");
});

interface Begun extends Bench {
  hold: Hold;
  worktree: string;
}

/** A run whose first iteration has begun, after the baseline. */
async function openBegun(checks: string[], files?: Record<string, string>): Promise<Begun> {
  const bench = await openBench({ agent: "exit 1", spec: { checks }, ...(files === undefined ? {} : { files }) });
  const hold = await bench.takeUp();
  for (const step of [start, prepare, baseline, begin]) await step(hold.context);
  return {
    ...bench,
    hold,
    worktree: hold.context.state.checkout?.worktree ?? "",
    [Symbol.asyncDispose]: async () => {
      await using _bench = bench;
      await using _hold = hold;
    },
  };
}

async function judged({ hold: { context }, repository, worktree }: Begun) {
  const checkout = await openCheckout(worktree);
  return judge(context, checkout, { index: 1, after: await snapshotTree(repository.git, checkout) });
}
