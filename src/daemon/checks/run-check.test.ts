import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openBench } from "../../../test/support/run.ts";
import type { Bench, BenchOptions, Hold } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import type { CheckReport } from "../../protocol/run-events.ts";
import { prepare } from "../runner/steps/prepare.ts";
import { start } from "../runner/steps/start.ts";
import { runCheck } from "./run-check.ts";

test("a check passes when it exits with 0, and its report says what was run and where its output is", async () => {
  await using bench = await openPrepared();
  const command = "echo out; echo err >&2; pwd >../../where; test -f a.txt";
  const { report, tail } = await check(bench, command);
  const { durationMs, ...facts } = report;
  assert.ok(durationMs >= 0);
  assert.deepEqual(facts, {
    name: command,
    command,
    commandHash: createHash("sha256").update(command).digest("hex"),
    passed: true,
    exitCode: 0,
    timedOut: false,
    tests: null,
    stream: "baseline/01/out",
    baseline: null,
    failure: null,
    flags: [],
  });
  assert.equal(tail, "out\n\nerr");
  assert.equal(readFileSync(join(bench.root, "where"), "utf8").trim(), bench.worktree);
});

test("a check gets neither the agent's variables nor the task's token", async () => {
  await using bench = await openPrepared();
  const { tail } = await check(bench, "env");
  assert.match(tail, /^MAKIMA_RUN_ID=/m);
  assert.doesNotMatch(tail, /MAKIMA_API|mk_task_test/);
});

const failures: [what: string, command: string, fields: Partial<CheckReport>][] = [
  ["exits with another code", "exit 3", { exitCode: 3, failure: "exited 3" }],
  ["is killed", "kill -9 $$", { exitCode: null, failure: "ended by SIGKILL" }],
  ["does not exist", "no-such-command", { exitCode: 127, failure: "exited 127" }],
  [
    "runs no test",
    "echo '# tests 0'; echo '# pass 0'",
    {
      exitCode: 0,
      failure: "ran no test",
      tests: { runner: "node:test", total: 0, passed: 0, failed: 0, skipped: 0 },
    },
  ],
  ["skips every test", "echo '# tests 2'; echo '# pass 0'; echo '# skipped 2'", { failure: "ran no test" }],
];
for (const [what, command, fields] of failures) {
  test(`a check fails when it ${what}`, async () => {
    await using bench = await openPrepared();
    const { report } = await check(bench, command);
    assert.equal(report.passed, false);
    assert.deepEqual({ ...report, ...fields }, report);
  });
}

test("a check fails when it takes too long, whatever it does about signals", async () => {
  await using bench = await openPrepared();
  const command = "trap '' INT TERM; echo begun; while :; do sleep 1; done";
  const { report, tail } = await check(bench, command, { timeoutMs: 300 });
  assert.deepEqual([report.passed, report.timedOut, report.failure], [false, true, "took longer than its time limit"]);
  assert.equal(tail, "begun");
});

test("a check may have a time limit that no timer can hold", async () => {
  await using bench = await openPrepared();
  const { report } = await check(bench, "sleep 0.1", { timeoutMs: Number.MAX_SAFE_INTEGER });
  assert.equal(report.passed, true);
});

test("a check that moves HEAD fails, and HEAD is put back", async () => {
  await using bench = await openPrepared();
  const { report } = await check(bench, "git commit -q --allow-empty -m forged");
  assert.deepEqual([report.passed, report.failure], [false, "moved HEAD"]);
  assert.deepEqual(
    report.flags.map(({ kind }) => kind),
    ["check-moved-head"],
  );
  assert.equal(bench.repository.run(bench.worktree, "rev-parse", "HEAD"), bench.repository.base);
  assert.equal(bench.repository.run(bench.worktree, "symbolic-ref", "--short", "HEAD"), bench.spec.branch);
});

test("a check that changes tracked files may pass; the changes are undone and flagged, what it built stays", async () => {
  await using bench = await openPrepared({ files: { "a.txt": "one\n", "b.txt": "two\n", "c.txt": "three\n" } });
  const { report } = await check(bench, "echo forged >a.txt; rm b.txt; echo built >built");
  assert.equal(report.passed, true);
  assert.deepEqual(
    report.flags.map(({ kind, path }) => `${kind} ${path}`),
    ["check-changed-files a.txt", "check-changed-files b.txt"],
  );
  assert.equal(bench.repository.run(bench.worktree, "status", "--porcelain"), "?? built");
});

test("a check is flagged for a hundred files at most, and all are undone", async () => {
  const files = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`f${index}`, "x\n"]));
  await using bench = await openPrepared({ files });
  const { report } = await check(bench, "for f in f*; do echo y >$f; done");
  assert.equal(report.flags.length, 100);
  assert.equal(bench.repository.run(bench.worktree, "status", "--porcelain"), "");
});

test("a check leaves no process behind, wherever it fled, and does not wait for one that holds its output", async () => {
  await using bench = await openPrepared();
  const { report } = await check(bench, "setsid sh -c 'echo $$ >../../pid; exec sleep 600' & sleep 0.3");
  assert.equal(report.passed, true);
  const pid = Number(readFileSync(join(bench.root, "pid"), "utf8"));
  await until(() => !existsSync(`/proc/${pid}`), "the grandchild is gone");
});

test("a check keeps the first 10 MiB of its output and is told by its end", async () => {
  await using bench = await openPrepared();
  const { report, tail } = await check(bench, "yes 0123456789abcde | head -c 16000000; echo '# tests 0'");
  assert.equal(report.passed, true, "what is dropped decides nothing");
  assert.equal(statSync(join(bench.path, "baseline/01/out")).size, 10 * 1024 * 1024);
  assert.ok(tail.length <= 64 * 1024 && tail.endsWith("0123456789abcde"));
});

test("a check is picked up by the next daemon: one process, one outcome", async () => {
  await using bench = await openPrepared();
  const command = "echo $$ >>../../pids; until [ -e ../../go ]; do sleep 0.02; done; echo through; exit 5";
  const { hold } = bench;
  const running = check(bench, command);
  await until(() => existsSync(join(bench.root, "pids")), "the check runs");
  hold.detach.abort(new DOMException("closing", "AbortError"));
  await assert.rejects(running, { name: "AbortError" });
  await hold[Symbol.asyncDispose]();
  await using next = await bench.takeUp();
  writeFileSync(join(bench.root, "go"), "");
  const { report, tail } = await check({ hold: next }, command);
  assert.deepEqual([report.exitCode, tail], [5, "through"]);
  assert.equal(readFileSync(join(bench.root, "pids"), "utf8").match(/\n/g)?.length, 1);
});

test("a check is let go of at once when the daemon is closing already, and goes on", async () => {
  await using bench = await openPrepared();
  bench.hold.detach.abort(new DOMException("closing", "AbortError"));
  await assert.rejects(check(bench, "touch ~/running; exec sleep 600"), { name: "AbortError" });
  await until(() => existsSync(join(bench.root, "running")), "the check runs");
});

test("a check is stopped with its run", async () => {
  await using bench = await openPrepared();
  const running = check(bench, "touch ~/running; exec sleep 600");
  await until(() => existsSync(join(bench.root, "running")), "the check runs");
  bench.hold.context.cancel.abort("enough");
  assert.equal((await running).report.failure, "ended by SIGINT");
});

interface Prepared extends Bench {
  hold: Hold;
  root: string;
  worktree: string;
}

/** A run that has its checkout. */
async function openPrepared(options: Partial<BenchOptions> = {}): Promise<Prepared> {
  const bench = await openBench({ agent: "exit 1", ...options });
  const hold = await bench.takeUp();
  await start(hold.context);
  await prepare(hold.context);
  return {
    ...bench,
    hold,
    root: bench.repository.root,
    worktree: hold.context.state.checkout?.worktree ?? "",
    [Symbol.asyncDispose]: async () => {
      await using _bench = bench;
      await using _hold = hold;
    },
  };
}

/** The command as the first check of the baseline. */
async function check({ hold }: { hold: Hold }, command: string, { timeoutMs = null as number | null } = {}) {
  const before = hold.context.state.checkout;
  assert.ok(before);
  return runCheck(hold.context, { check: { name: command, command, timeoutMs }, iteration: null, number: 1, before });
}
