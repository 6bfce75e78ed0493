import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { eventsOf, openBench, printGate } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import { encodeEvent, MAX_EVENT_BYTES } from "../../protocol/run-events.ts";
import { carryOn } from "./run.ts";

const KEEP_PROMPT = `cp "$bench/prompt" "$bench/prompt-$n"`;
const DONE = `touch "new-$n"; ${printGate(true)}`;
/** Says something and works on, the first time; is done the second time. */
const INTERRUPTIBLE = `${KEEP_PROMPT}; [ $n -gt 1 ] || { echo hello; touch "$bench/running-$n"; exec sleep 600; }; ${DONE}`;
/** Takes as long as it is let. */
const CHECK = `touch ../../checking; until [ -e ../../go ]; do sleep 0.02; done`;

test("a message interrupts the agent, which does not count, and goes with the goal to one that cannot remember", async () => {
  await using bench = await openBench({ agent: INTERRUPTIBLE });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "running-1");
  await hold.context.wishes.say(words("m1", "Use tabs"));
  await ended;
  const events = await bench.events();
  const [first] = eventsOf(events, "verdict");
  assert.deepEqual(
    [first?.verdict, first?.reason, first?.uncounted, first?.error],
    ["continue", "Interrupted by a message", true, null],
  );
  assert.deepEqual(heardIn(events), ["m1 in 2"]);
  assert.match(
    promptOf(bench, 2),
    /^Make it work\n[^]*begun already[^]*says to you now:\n\nUse tabs\n\n[^]*<COMPLETION_GATE>/,
  );
  assert.equal((await bench.finished()).outcome, "completed");
});

test("a message that comes with others is heard in their order, once, however long they are", async () => {
  await using bench = await openBench({ agent: INTERRUPTIBLE.replace("-gt 1", "-gt 2") });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "running-1");
  const long = `Begin ${"é".repeat(300_000)} end`;
  await hold.context.wishes.pause(true);
  for (const [id, text] of [
    ["z", "first"],
    ["a", long],
    ["m", "third"],
  ] as const)
    await hold.context.wishes.say(words(id, text));
  await until(async () => eventsOf(await bench.events(), "paused").length > 0, "it pauses");
  assert.deepEqual(heardIn(await bench.events()), [], "a paused run's agent hears nothing");
  await hold.context.wishes.pause(false);
  await marked(bench, "running-2");
  await hold.context.wishes.say(words("last", "fourth"));
  await ended;
  const events = await bench.events();
  assert.deepEqual(heardIn(events), ["z in 2", "a in 2", "m in 2", "last in 3"]);
  assert.ok(promptOf(bench, 2).includes(`first\n\n${long}\n\nthird\n\n`));
  assert.match(promptOf(bench, 3), /fourth\n\nEnd every turn/);
  for (const event of events) assert.ok(Buffer.byteLength(encodeEvent(event)) <= MAX_EVENT_BYTES, event.type);
});

test("a message that comes before the first agent is part of its prompt", async () => {
  await using bench = await openBench({ agent: `${KEEP_PROMPT}; ${DONE}`, spec: { checks: [CHECK] } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "checking");
  await hold.context.wishes.say(words("m1", "Use tabs"));
  await writeFile(join(bench.repository.root, "go"), "");
  await ended;
  assert.deepEqual(heardIn(await bench.events()), ["m1 in 1"]);
  assert.match(promptOf(bench, 1), /^Make it work\n[^]*Use tabs/);
});

test("a message that comes during the checks of a ready gate keeps the run from ending before it is heard", async () => {
  const spec = { checks: [CHECK], limits: { baseline: false } };
  await using bench = await openBench({ agent: `${KEEP_PROMPT}; ${DONE}`, spec });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "checking");
  await hold.context.wishes.say(words("m1", "And write a test"));
  await writeFile(join(bench.repository.root, "go"), "");
  await ended;
  const verdicts = eventsOf(await bench.events(), "verdict");
  assert.deepEqual(
    verdicts.map(({ verdict, uncounted, refused }) => [verdict, uncounted, refused]),
    [
      ["continue", false, false],
      ["done", false, false],
    ],
  );
  assert.deepEqual(heardIn(await bench.events()), ["m1 in 2"]);
});

test("a message does not keep a breaker from opening", async () => {
  const spec = { checks: [CHECK], limits: { baseline: false, maxIterations: 1 } };
  await using bench = await openBench({ agent: DONE, spec });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "checking");
  await hold.context.wishes.say(words("m1", "And write a test"));
  await writeFile(join(bench.repository.root, "go"), "");
  await ended;
  const { outcome, reason } = await bench.finished();
  assert.deepEqual([outcome, reason], ["failed", "Maximum iterations (1) reached"]);
});

test("a message cuts a backoff short", async () => {
  const agent = `${KEEP_PROMPT}; [ $n -gt 1 ] || exit 3; ${DONE}`;
  await using bench = await openBench({ agent, spec: { limits: { retryBackoffMs: 60_000 } } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(async () => eventsOf(await bench.events(), "waiting").length > 0, "it waits");
  await hold.context.wishes.say(words("m1", "Never mind that"));
  await ended;
  assert.deepEqual(heardIn(await bench.events()), ["m1 in 2"]);
  assert.match(promptOf(bench, 2), /ended with an error[^]*Never mind that/);
});

test("a message waits with the run for a usage limit", async () => {
  const reset = Date.now() + 1_500;
  await using bench = await openBench({ agent: DONE });
  bench.services.usageLimits.note(bench.spec.agent, { until: reset, text: "limit" });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(async () => eventsOf(await bench.events(), "waiting").length > 0, "it waits");
  await hold.context.wishes.say(words("m1", "Hurry"));
  await ended;
  const [started] = eventsOf(await bench.events(), "iteration-started");
  assert.ok((started?.at ?? 0) >= reset);
  assert.deepEqual(heardIn(await bench.events()), ["m1 in 1"]);
});

test("a message is said again to an agent that remembers nothing, for as long as it works", async () => {
  const agent = `${KEEP_PROMPT}; [ $n -gt 1 ] || { echo hello; touch "$bench/running-$n"; exec sleep 600; }; touch "new-$n"; [ $n -gt 2 ] && ${printGate(true)} || ${printGate(false)}`;
  await using bench = await openBench({ agent });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await marked(bench, "running-1");
  await hold.context.wishes.say(words("m1", "Use tabs"));
  await ended;
  assert.match(promptOf(bench, 3), /^Make it work\n[^]*a person has said:\n\nUse tabs\n\n/);
  assert.deepEqual(heardIn(await bench.events()), ["m1 in 2"]);
});

function words(id: string, text: string) {
  return { id, kind: "person", text } as const;
}

function heardIn(events: Awaited<ReturnType<Bench["events"]>>): string[] {
  return eventsOf(events, "message").map(({ id, index }) => `${id} in ${index}`);
}

function promptOf({ repository }: Bench, iteration: number): string {
  return readFileSync(join(repository.root, `prompt-${iteration}`), "utf8");
}

async function marked(bench: Bench, name: string): Promise<void> {
  await until(() => existsSync(join(bench.repository.root, name)), `there is a file ${name}`);
}
