import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { Death } from "../../../test/fixtures/daemon-killed.ts";
import { liveAndDie } from "../../../test/support/killed-daemon.ts";
import { eventsOf, openBench, printGate, supervision } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import type { Command } from "../../protocol/link.ts";
import { Runs } from "../runs.ts";

/** Says something and works on, the first time; is done the second time. */
const AGENT = `cp "$bench/prompt" "$bench/prompt-$n"
[ $n -gt 1 ] || { echo hello; touch "$bench/running"; exec sleep 600; }
touch "new-$n"; ${printGate(true)}`;

const INTERRUPTION: Death[] = [
  { moment: "after", point: "commands" },
  { moment: "before", point: "stop" },
  { moment: "after", point: "stop" },
  { moment: "before", point: "verdict" },
  { moment: "after", point: "verdict" },
];

const aroundMessage: Death[] = [
  ...INTERRUPTION,
  { moment: "before", point: "message" },
  { moment: "after", point: "message" },
];
for (const death of aroundMessage) {
  test(`a message is heard once, though its daemon was killed ${death.moment} ${death.point}`, async () => {
    await using bench = await openBench({ agent: AGENT });
    const { runId } = bench.spec;
    const say: Command = { kind: "MessageTask", runId, message: { id: "m1", kind: "person", text: "Use tabs" } };
    await liveAndDie(bench, { commands: [say], death });
    // The command had no answer, or the server did not get it: it comes again.
    await carryOut(bench, [say]);
    const events = await bench.events();
    assert.deepEqual(
      eventsOf(events, "message").map(({ id, index }) => `${id} in ${index}`),
      ["m1 in 2"],
    );
    assert.deepEqual(verdictsOf(events), ["1 Interrupted by a message", "2 done"]);
    const prompts = promptsOf(bench);
    assert.deepEqual(
      prompts.map((prompt) => prompt.split("Use tabs").length - 1),
      [0, 1],
    );
  });
}

const aroundPause: Death[] = [
  ...INTERRUPTION,
  { moment: "before", point: "paused" },
  { moment: "after", point: "paused" },
];
for (const death of aroundPause) {
  test(`a pause holds, though its daemon was killed ${death.moment} ${death.point}`, async () => {
    await using bench = await openBench({ agent: AGENT });
    const { runId } = bench.spec;
    await liveAndDie(bench, { commands: [{ kind: "PauseTask", runId }], death });
    await using runs = await Runs.open(dirname(bench.path), bench.services);
    await until(async () => eventsOf(await bench.events(), "paused").length > 0, "it is paused");
    await runs.execute({ kind: "PauseTask", runId });
    assert.equal(await runs.execute({ kind: "ResumeTask", runId }), null);
    await ended(bench);
    await assertPausedOnce(bench);
  });
}

for (const moment of ["before", "after"] as const) {
  test(`a pause is over, though its daemon was killed ${moment} it could go on`, async () => {
    await using bench = await openBench({ agent: AGENT });
    const { runId } = bench.spec;
    await liveAndDie(bench, {
      commands: [{ kind: "PauseTask", runId }],
      death: { moment: "after", point: "paused" },
    });
    const death = { moment, point: "resumed" } as const;
    await liveAndDie(bench, { commands: [{ kind: "ResumeTask", runId }], death });
    await carryOut(bench, [{ kind: "ResumeTask", runId }]);
    await assertPausedOnce(bench);
  });
}

/** Waits for its tasks after its first turn; is done after the second. */
const SUPERVISOR = `cp "$bench/prompt" "$bench/prompt-$n"
touch "$bench/running"; [ $n -gt 1 ] && ${printGate(true)} || ${printGate(false)}`;

const aroundWakeUp: Death[] = [
  { moment: "after", point: "commands" },
  { moment: "before", point: "verdict" },
  { moment: "before", point: "waiting" },
  { moment: "after", point: "waiting" },
  { moment: "before", point: "message" },
  { moment: "after", point: "message" },
  { moment: "after", point: "iteration-started" },
];
for (const death of aroundWakeUp) {
  test(`a supervisor is woken once, though its daemon was killed ${death.moment} ${death.point}`, async () => {
    await using bench = await openBench({ agent: SUPERVISOR, spec: { supervision } });
    const { runId } = bench.spec;
    const message = { id: "m1", kind: "event", text: "Task beta is completed" } as const;
    const wake: Command = { kind: "MessageTask", runId, message };
    const asleep = death.point === "verdict" || death.point === "waiting";
    await liveAndDie(bench, { commands: asleep ? [] : [wake], death });
    await carryOut(bench, [wake]);
    assert.deepEqual(
      eventsOf(await bench.events(), "message").map(({ id, kind, index }) => `${kind} ${id} in ${index}`),
      ["event m1 in 2"],
    );
    assert.deepEqual(
      promptsOf(bench).map((prompt) => prompt.split(message.text).length - 1),
      [0, 1],
    );
  });
}

async function carryOut(bench: Bench, commands: Command[]): Promise<void> {
  await using runs = await Runs.open(dirname(bench.path), bench.services);
  for (const command of commands) assert.equal(await runs.execute(command), null);
  await ended(bench);
}

async function ended(bench: Bench): Promise<void> {
  await until(async () => eventsOf(await bench.events(), "finished").length > 0, "the run ends");
  assert.equal((await bench.finished()).outcome, "completed");
}

async function assertPausedOnce(bench: Bench): Promise<void> {
  const events = await bench.events();
  assert.deepEqual([eventsOf(events, "paused").length, eventsOf(events, "resumed").length], [1, 1]);
  assert.deepEqual(verdictsOf(events), ["1 Paused", "2 done"]);
  assert.equal(promptsOf(bench).length, 2, "each agent worked once");
}

/** What did not count, with its reason. */
function verdictsOf(events: Awaited<ReturnType<Bench["events"]>>): string[] {
  return eventsOf(events, "verdict").map(({ index, verdict, uncounted, reason }) => {
    return `${index} ${uncounted ? reason : verdict}`;
  });
}

function promptsOf({ repository: { root } }: Bench): string[] {
  const names = readdirSync(root).filter((name) => name.startsWith("prompt-"));
  return names.toSorted().map((name) => readFileSync(join(root, name), "utf8"));
}
