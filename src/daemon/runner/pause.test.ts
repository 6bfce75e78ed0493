import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { eventsOf, openBench, printGate } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import { systemClock } from "../../platform/clock.ts";
import { carryOn } from "./run.ts";

const HOUR = 60 * 60 * 1000;
const DONE = `touch new; ${printGate(true)}`;
const SLOW = `cp "$bench/prompt" "$bench/prompt-$n"; [ $n -gt 1 ] || { touch "$bench/running"; exec sleep 600; }; ${DONE}`;

test("a pause ends the agent's turn, which does not count, and holds until the run is resumed, whatever daemon comes", async () => {
  await using bench = await openBench({ agent: SLOW });
  {
    await using hold = await bench.takeUp();
    const ended = carryOn(hold.context);
    await marked(bench, "running");
    await hold.context.wishes.pause(true);
    await recorded(bench, "paused");
    hold.detach.abort(new DOMException("closing", "AbortError"));
    await ended;
  }
  const [verdict] = eventsOf(await bench.events(), "verdict");
  assert.deepEqual(
    [verdict?.verdict, verdict?.reason, verdict?.uncounted, verdict?.error, verdict?.breaker["iterations"]],
    ["continue", "Paused", true, null, 0],
  );
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await hold.context.wishes.pause(false);
  await ended;
  const events = await bench.events();
  assert.deepEqual(
    events.map(({ type }) => type).filter((type) => ["paused", "resumed", "iteration-started"].includes(type)),
    ["iteration-started", "paused", "resumed", "iteration-started"],
  );
  assert.equal((await bench.finished()).outcome, "completed");
  // It had not said a word, so nobody knows what it had read.
  const prompts = [1, 2].map((n) => readFileSync(join(bench.repository.root, `prompt-${n}`), "utf8"));
  assert.equal(prompts[0], prompts[1]);
});

test("a pause of a waiting run is told at once, and its wait again when it goes on", async () => {
  await using bench = await openBench({ agent: "exit 3", spec: { limits: { retryBackoffMs: 60_000 } } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await recorded(bench, "waiting");
  await hold.context.wishes.pause(true);
  await recorded(bench, "paused");
  await hold.context.wishes.pause(false);
  await recorded(bench, "resumed");
  const [before, after] = eventsOf(await bench.events(), "waiting");
  assert.deepEqual([after?.kind, after?.until], ["backoff", before?.until]);
  hold.context.cancel.abort("enough");
  await ended;
  assert.equal((await bench.finished()).outcome, "cancelled");
});

test("a pause lets checks finish, and what is done is done", async () => {
  const check = `touch ../../checking; until [ -e ../../go ]; do sleep 0.02; done`;
  const spec = { checks: [check], limits: { baseline: false } };
  await using bench = await openBench({ agent: DONE, spec });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "checking");
  await hold.context.wishes.pause(true);
  await writeFile(join(bench.repository.root, "go"), "");
  await ended;
  assert.equal((await bench.finished()).outcome, "completed");
  assert.deepEqual(eventsOf(await bench.events(), "paused"), []);
});

test("a pause before the first agent lets the checkout be made and the baseline be taken, and starts none", async () => {
  const check = `touch ../../checking; until [ -e ../../go ]; do sleep 0.02; done`;
  await using bench = await openBench({ agent: `touch "$bench/running"; ${DONE}`, spec: { checks: [check] } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "checking");
  await hold.context.wishes.pause(true);
  await writeFile(join(bench.repository.root, "go"), "");
  await recorded(bench, "paused");
  assert.deepEqual(
    (await bench.events()).map(({ type }) => type),
    ["started", "checkout", "baseline", "paused"],
  );
  assert.equal(existsSync(join(bench.repository.root, "running")), false);
  hold.context.cancel.abort("enough");
  await ended;
  const { outcome, reason } = await bench.finished();
  assert.deepEqual([outcome, reason], ["cancelled", "enough"]);
});

test("a pause takes no time from the run's limits", async () => {
  let later = 0;
  const clock = { ...systemClock, now: () => Date.now() + later };
  await using bench = await openBench({ agent: SLOW, clock, spec: { limits: { wallClockMs: HOUR / 2 } } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "running");
  await hold.context.wishes.pause(true);
  await recorded(bench, "paused");
  later = 24 * HOUR;
  await hold.context.wishes.pause(false);
  await ended;
  assert.equal((await bench.finished()).outcome, "completed");
});

async function marked(bench: Bench, name: string): Promise<void> {
  await until(() => existsSync(join(bench.repository.root, name)), `there is a file ${name}`);
}

async function recorded(bench: Bench, type: string): Promise<void> {
  await until(async () => (await bench.events()).some((event) => event.type === type), `"${type}" is recorded`);
}
