import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { eventsOf, openBench, printGate, supervision } from "../../../test/support/run.ts";
import type { Bench, Hold } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import type { MessageKind } from "../../protocol/run-events.ts";
import { carryOn } from "./run.ts";

const KEEP_PROMPT = `cp "$bench/prompt" "$bench/prompt-$n"`;
/** Is ready in its second iteration. */
const READY_SECOND = `${KEEP_PROMPT}; [ $n -gt 1 ] && ${printGate(true)} || ${printGate(false)}`;
const NEVER_READY = `${KEEP_PROMPT}; ${printGate(false)}`;

for (const [what, agent] of Object.entries({
  "is not ready": READY_SECOND,
  "says nothing of it": `${KEEP_PROMPT}; [ $n -gt 1 ] && ${printGate(true)} || echo "Spawned them"`,
})) {
  test(`a supervisor that ${what} sleeps until something happens, also without the loop`, async () => {
    await using bench = await openBench({ agent, spec: { supervision, autonomousLoop: false } });
    await using hold = await bench.takeUp();
    const ended = carryOn(hold.context);
    await asleep(bench, 1);
    const [slept] = eventsOf(await bench.events(), "waiting");
    assert.deepEqual([slept?.kind, slept?.until], ["wake-up", null]);
    assert.match(slept?.reason ?? "", /^Waits for its tasks/);
    await say(hold, "event", "Task beta is completed");
    await ended;
    const verdicts = eventsOf(await bench.events(), "verdict");
    assert.deepEqual(
      verdicts.map(({ verdict, uncounted, changed }) => [verdict, uncounted, changed]),
      [
        ["wait", false, false],
        ["done", false, false],
      ],
    );
    assert.deepEqual(await heard(bench), ["event in 2: Task beta is completed"]);
    assert.equal((await bench.finished()).outcome, "completed");
  });
}

test("a supervisor is taught its commands and told of its contract, at first and when it is woken", async () => {
  await using bench = await openBench({ agent: READY_SECOND, spec: { supervision } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await asleep(bench, 1);
  await say(hold, "event", "Task beta is completed");
  await ended;
  const second = promptOf(bench, 2);
  assert.match(
    promptOf(bench, 1),
    /^Make it work\n\nChecklist:\n- \[ \] It greets\n[^]*phase plan[^]*makima supervisor\n/,
  );
  // This agent remembers nothing.
  assert.match(second, /^Make it work\n[^]*You are woken [^]*has happened:\n\nTask beta is completed\n/);
  assert.doesNotMatch(second, /without a completion gate|You said that you are not ready/);
});

test("a supervisor at work is not interrupted by what happens, and goes on with it at once", async () => {
  const slow = `[ $n -gt 1 ] || { touch "$bench/running"; until [ -e "$bench/go" ]; do sleep 0.02; done; }`;
  await using bench = await openBench({ agent: `${slow}; ${READY_SECOND}; touch x`, spec: { supervision } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(() => existsSync(join(bench.repository.root, "running")), "it works");
  await say(hold, "event", "Task beta has failed");
  await writeFile(join(bench.repository.root, "go"), "");
  await ended;
  const events = await bench.events();
  assert.deepEqual(
    eventsOf(events, "verdict").map(({ verdict, uncounted }) => [verdict, uncounted]),
    [
      ["continue", false],
      ["done", false],
    ],
  );
  assert.deepEqual(eventsOf(events, "waiting"), []);
  assert.deepEqual(await heard(bench), ["event in 2: Task beta has failed"]);
});

test("a supervisor that is ready ends, whatever has happened meanwhile", async () => {
  const agent = `touch "$bench/running"; until [ -e "$bench/go" ]; do sleep 0.02; done; ${printGate(true)}`;
  await using bench = await openBench({ agent, spec: { supervision } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await until(() => existsSync(join(bench.repository.root, "running")), "it works");
  await say(hold, "event", "Task beta is completed");
  await writeFile(join(bench.repository.root, "go"), "");
  await ended;
  assert.deepEqual(await heard(bench), []);
  assert.equal((await bench.finished()).outcome, "completed");
});

test("a supervisor that only nudges keep going is stopped, one for which things happen is not", async () => {
  const spec = { supervision, limits: { noChangeThreshold: 2 } };
  await using bench = await openBench({ agent: NEVER_READY, spec });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  const kinds = ["event", "event", "nudge", "event", "nudge", "nudge"] as const;
  for (const [index, kind] of kinds.entries()) {
    await asleep(bench, index + 1);
    await say(hold, kind, `News ${index}`);
  }
  await ended;
  const { outcome, reason } = await bench.finished();
  assert.deepEqual([outcome, reason], ["failed", "No file changes for 2 consecutive runs"]);
  assert.equal((await heard(bench)).length, kinds.length);
});

test("a supervisor that a pause interrupts owes nothing for it, and sleeps on after it", async () => {
  await using bench = await openBench({ agent: READY_SECOND, spec: { supervision } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await asleep(bench, 1);
  await hold.context.wishes.pause(true);
  await until(async () => eventsOf(await bench.events(), "paused").length > 0, "it is paused");
  await hold.context.wishes.pause(false);
  await asleep(bench, 2);
  await hold.context.wishes.pause(true);
  await until(async () => eventsOf(await bench.events(), "paused").length > 1, "it is paused again");
  await say(hold, "event", "Task beta is completed");
  assert.deepEqual(await heard(bench), [], "a paused run hears nothing");
  await hold.context.wishes.pause(false);
  await ended;
  assert.deepEqual(await heard(bench), ["event in 2: Task beta is completed"]);
  assert.equal(eventsOf(await bench.events(), "waiting").length, 2, "it does not wait for what is there");
});

test("a supervisor sleeps on under the next daemon, and can be cancelled", async () => {
  await using bench = await openBench({ agent: NEVER_READY, spec: { supervision } });
  {
    await using hold = await bench.takeUp();
    const ended = carryOn(hold.context);
    await asleep(bench, 1);
    hold.detach.abort(new DOMException("closing", "AbortError"));
    await ended;
  }
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await say(hold, "person", "Hurry");
  await asleep(bench, 2);
  hold.context.cancel.abort("enough");
  await ended;
  assert.deepEqual(await heard(bench), ["person in 2: Hurry"]);
  assert.equal((await bench.finished()).outcome, "cancelled");
});

test("a supervisor is not checked with what the repository checks work with", async () => {
  const files = { ".makima.toml": 'checks = ["false"]\n' };
  await using bench = await openBench({ agent: printGate(true), files, spec: { supervision } });
  await using hold = await bench.takeUp();
  await carryOn(hold.context);
  assert.equal((await bench.finished()).outcome, "completed");
});

test("a worker hears with its next prompt what has happened, and neither its turn nor its backoff ends for it", async () => {
  const agent = `${KEEP_PROMPT}; [ $n -gt 1 ] || exit 3; touch new; ${printGate(true)}`;
  await using bench = await openBench({ agent, spec: { limits: { retryBackoffMs: 1_000 } } });
  await using hold = await bench.takeUp();
  const ended = carryOn(hold.context);
  await asleep(bench, 1);
  await say(hold, "event", "Your work conflicts in a.txt");
  await ended;
  const events = await bench.events();
  const [, second] = eventsOf(events, "iteration-started");
  assert.ok((second?.at ?? 0) >= (eventsOf(events, "waiting")[0]?.until ?? 0));
  assert.deepEqual(await heard(bench), ["event in 2: Your work conflicts in a.txt"]);
  assert.match(promptOf(bench, 2), /Meanwhile this has happened:\n\nYour work conflicts in a\.txt/);
});

async function asleep(bench: Bench, times: number): Promise<void> {
  await until(async () => eventsOf(await bench.events(), "waiting").length >= times, `it waits for time ${times}`);
}

async function say(hold: Hold, kind: MessageKind, text: string): Promise<void> {
  await hold.context.wishes.say({ id: `m${hold.context.wishes.messages.length + 1}`, kind, text });
}

async function heard(bench: Bench): Promise<string[]> {
  return eventsOf(await bench.events(), "message").map(({ kind, index, text }) => `${kind} in ${index}: ${text}`);
}

function promptOf({ repository }: Bench, iteration: number): string {
  return readFileSync(join(repository.root, `prompt-${iteration}`), "utf8");
}
