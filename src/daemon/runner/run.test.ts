import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openBench, printGate } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import type { RunEvent, RunEventOf } from "../../protocol/run-events.ts";
import { encodeEvent, MAX_EVENT_BYTES } from "../../protocol/run-events.ts";
import { carryOn } from "./run.ts";

/** Adds a file each time; claims to be ready every time, but the check passes from the second on. */
const SECOND_TIME_RIGHT = `echo $n >"file-$n"; [ $n -lt 2 ] || touch right; ${printGate(true)}`;

test("a run ends at the first gate that is ready, with the work on its branch and nothing else left", async () => {
  await using bench = await openBench({ agent: `echo new >new.txt; ${printGate(true, "Added a file")}` });
  await carryOut(bench);
  const finished = await bench.finished();
  assert.deepEqual(
    [finished.outcome, finished.verification, finished.worktree, finished.branchKept],
    ["completed", "unverified", null, true],
  );
  const { repository, spec } = bench;
  assert.equal(repository.run(repository.dir, "show", `${spec.branch}:new.txt`), "new");
  assert.equal(repository.run(repository.dir, "log", "--format=%s", "-1", spec.branch), "Added a file");
  assert.equal(repository.run(repository.dir, "rev-parse", spec.branch), finished.head);
  assert.equal(finished.diffStat?.files, 1);
  assert.deepEqual(bench.checkouts(), []);
  assert.deepEqual(types(await bench.events()), [
    "started",
    "checkout",
    "iteration-started",
    "gate",
    "verified",
    "verdict",
    "checkpoint",
    "finished",
  ]);
});

test("a run refuses a gate while a check fails, says so, and goes on", async () => {
  await using bench = await openBench({ agent: SECOND_TIME_RIGHT, spec: { checks: ["test -f right"] } });
  await carryOut(bench);
  const [first, second] = verdicts(await bench.events());
  assert.deepEqual([first?.verdict, first?.refused], ["continue", true]);
  assert.match(first?.error ?? "", /test -f right/);
  assert.match(await readFile(join(bench.path, "iterations/0002/prompt"), "utf8"), /not every check passes.*test -f/s);
  assert.deepEqual([second?.verdict, second?.refused], ["done", false]);
  const { outcome, verification } = await bench.finished();
  assert.deepEqual([outcome, verification], ["completed", "verified"]);
});

test("a run that takes over from another machine has its own baseline where it begins at the base", async () => {
  const resume = { runId: "elsewhere", sessionId: "s", breaker: null, costUsd: 0 };
  await using bench = await openBench({ agent: SECOND_TIME_RIGHT, spec: { checks: ["test -f right"], resume } });
  await carryOut(bench);
  assert.equal((await bench.finished()).verification, "verified");
  assert.match(
    await readFile(join(bench.path, "iterations/0001/prompt"), "utf8"),
    /Work on this may have begun already/,
  );
});

test("a run is stopped by the breaker, and keeps its checkout", async () => {
  await using bench = await openBench({ agent: printGate(false), spec: { limits: { noChangeThreshold: 2 } } });
  await carryOut(bench);
  const finished = await bench.finished();
  assert.deepEqual([finished.outcome, finished.reason], ["failed", "No file changes for 2 consecutive runs"]);
  assert.equal(verdicts(await bench.events()).length, 2);
  assert.deepEqual(bench.checkouts(), [finished.worktree]);
});

test("a run that cannot begin leaves nothing behind", async () => {
  await using bench = await openBench({ agent: "exit 1", spec: { agent: "absent" } });
  await carryOut(bench);
  const { outcome, errorCode, worktree, branchKept } = await bench.finished();
  assert.deepEqual([outcome, errorCode, worktree, branchKept], ["failed", "agent_missing", null, false]);
  assert.equal(bench.repository.run(bench.repository.dir, "branch", "--list", "makima/*"), "");
});

test("a run refuses checks that no event could list", async () => {
  const checks = Array.from({ length: 20 }, (_, index) => `true ${String(index).repeat(2_000)}`);
  await using bench = await openBench({ agent: "exit 1", spec: { checks } });
  await carryOut(bench);
  const { errorCode, hint } = await bench.finished();
  assert.equal(errorCode, "usage");
  assert.match(hint ?? "", /script/);
});

test("a run is not completed when its work cannot go onto its branch", async () => {
  const stray = `git checkout -q --orphan elsewhere && echo x >x && git add x && git commit -qm stray; ${printGate(true)}`;
  await using bench = await openBench({ agent: stray });
  await carryOut(bench);
  const { outcome, reason, errorCode, worktree } = await bench.finished();
  assert.deepEqual([outcome, errorCode], ["failed", "conflict"]);
  assert.match(reason, /^The goal is met, but .* is kept under refs\/makima\/salvage\//);
  assert.ok(worktree !== null && existsSync(worktree));
});

test("a run waits for the usage limit that another run of its agent has met, unless it is not to wait", async () => {
  await using bench = await openBench({ agent: printGate(true) });
  // Later than the checkout is ready, however busy the machine is.
  const reset = Date.now() + 3_000;
  const limit = { until: reset, text: "You've hit your session limit" };
  bench.services.usageLimits.note(bench.spec.agent, limit);
  await carryOut(bench);
  const events = await bench.events();
  const waiting = events.find((event) => event.type === "waiting");
  assert.deepEqual([waiting?.kind, waiting?.reason], ["usage-limit", limit.text]);
  assert.ok((events.find((event) => event.type === "iteration-started")?.at ?? 0) >= reset);
  assert.equal((await bench.finished()).outcome, "completed");

  await using hasty = await openBench({ agent: printGate(true), spec: { limits: { waitForUsageLimit: false } } });
  hasty.services.usageLimits.note(hasty.spec.agent, { ...limit, until: Date.now() + 60_000 });
  await carryOut(hasty);
  assert.equal((await hasty.finished()).outcome, "completed");
});

test("a run gives an agent a goal that is longer than any event, whole, and writes events that fit", async () => {
  const goal = `Begin ${"é".repeat(500_000)} end`;
  const gate = `printf '<COMPLETION_GATE>\\nready: false\\nreason: '; head -c 30000 /dev/zero | tr '\\0' '\\001'; printf '\\n</COMPLETION_GATE>\\n'`;
  const agent = `cp "$bench/prompt" "$bench/prompt-$n"; [ $n -lt 2 ] && { ${gate}; } || ${printGate(true)}`;
  await using bench = await openBench({ agent, spec: { goal } });
  await carryOut(bench);
  for (const number of [1, 2]) {
    const prompt = readFileSync(join(bench.repository.root, `prompt-${number}`), "utf8");
    assert.ok(prompt.includes(goal), `prompt ${number} has ${prompt.length} characters`);
  }
  for (const event of await bench.events()) {
    assert.ok(Buffer.byteLength(encodeEvent(event)) <= MAX_EVENT_BYTES, event.type);
  }
  assert.equal((await bench.finished()).outcome, "completed");
});

const cancelled = { outcome: "cancelled", reason: "enough" };

for (const [step, type] of [
  ["prepare", "started"],
  ["baseline", "checkout"],
  ["begin", "baseline"],
  ["wait", "waiting"],
  ["iterate", "iteration-started"],
  ["the checks", "gate"],
] as const) {
  test(`a person's stop before ${step} ends the run`, async () => {
    const agent = step === "wait" ? "exit 3" : `echo $n >file; ${printGate(true)}`;
    const spec = { checks: ["true"], limits: { retryBackoffMs: 60_000 } };
    await using bench = await openBench({ agent, spec });
    await using hold = await bench.takeUp((event, { context }) => {
      if (event.type === type) context.cancel.abort("enough");
    });
    await carryOn(hold.context);
    const { outcome, reason } = await bench.finished();
    assert.deepEqual({ outcome, reason }, cancelled);
  });
}

test("a person's stop in the middle of an iteration stops the agent, and commits what it did", async () => {
  await using bench = await openBench({ agent: `echo half >half; touch "$bench/running"; exec sleep 600` });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(() => existsSync(join(bench.repository.root, "running")), "the agent runs");
  hold.context.cancel.abort("enough");
  await ended;
  const { outcome, reason, worktree } = await bench.finished();
  assert.deepEqual({ outcome, reason }, cancelled);
  assert.equal(bench.repository.run(bench.repository.dir, "show", `${bench.spec.branch}:half`), "half");
  assert.ok(worktree !== null && existsSync(worktree));
});

test("a person's stop in the middle of a check ends the check, and what it left lying about is not committed", async () => {
  const check = "touch leftover; touch ~/running; exec sleep 600";
  await using bench = await openBench({ agent: printGate(true), spec: { checks: [check] } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(() => existsSync(join(bench.repository.root, "running")), "the check runs");
  hold.context.cancel.abort("enough");
  await ended;
  const { outcome, head } = await bench.finished();
  assert.deepEqual([outcome, head], ["cancelled", bench.repository.base]);
});

test("a person's stop comes too late when the verdict is done", async () => {
  await using bench = await openBench({ agent: `touch x; ${printGate(true)}` });
  await using hold = await bench.takeUp((event, { context }) => {
    if (event.type === "verdict") context.cancel.abort("enough");
  });
  await carryOn(hold.context);
  assert.equal((await bench.finished()).outcome, "completed");
});

test("a daemon that lets go of a run leaves the agent at work; the next daemon takes it up: one process, one iteration, every byte", async () => {
  const agent = `echo $$ >>"$bench/pids"; echo before; until [ -e "$bench/go" ]; do sleep 0.02; done; echo after; touch new; ${printGate(true)}`;
  await using bench = await openBench({ agent });
  const { root } = bench.repository;
  {
    await using hold = await bench.takeUp();
    const ended = carryOn(hold.context);
    await until(() => existsSync(join(root, "pids")), "the agent runs");
    hold.detach.abort(new DOMException("closing", "AbortError"));
    await ended;
  }
  const pid = Number(readFileSync(join(root, "pids"), "utf8"));
  assert.equal(process.kill(pid, 0), true);
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  writeFileSync(join(root, "go"), "");
  await ended;
  assert.equal((await bench.finished()).outcome, "completed");
  assert.equal(readFileSync(join(root, "pids"), "utf8"), `${pid}\n`);
  assert.match(readFileSync(join(bench.path, "iterations/0001/out"), "utf8"), /^before\nafter\n<COMPLETION_GATE>/);
  const events = await bench.events();
  assert.equal(events.filter(({ type }) => type === "iteration-started").length, 1);
  assert.equal(verdicts(events).length, 1);
});

test("a daemon that lets go of a run lets go also of an agent that it is stopping, and that takes its time", async () => {
  await using bench = await openBench({
    agent: `trap '' INT TERM; touch "$bench/running"; while :; do sleep 1; done`,
  });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(() => existsSync(join(bench.repository.root, "running")), "the agent runs");
  hold.context.cancel.abort("enough");
  setImmediate(() => hold.detach.abort(new DOMException("closing", "AbortError")));
  await ended;
  assert.equal((await bench.events()).at(-1)?.type, "iteration-started");
});

test("a daemon that lets go of a run has let go at once, also of a process that it is only just starting", async () => {
  await using bench = await openBench({ agent: "exec sleep 600" });
  await using hold = await bench.takeUp((event, { detach }) => {
    if (event.type === "iteration-started")
      queueMicrotask(() => detach.abort(new DOMException("closing", "AbortError")));
  });
  await carryOn(hold.context);
  assert.equal((await bench.events()).at(-1)?.type, "iteration-started");
});

function types(events: readonly RunEvent[]): string[] {
  return events.map(({ type }) => type);
}

function verdicts(events: readonly RunEvent[]): RunEventOf<"verdict">[] {
  return events.filter((event) => event.type === "verdict");
}

async function carryOut(bench: Bench): Promise<void> {
  await using hold = await bench.takeUp();
  await carryOn(hold.context);
}
