import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runSpec } from "../../../test/support/run.ts";
import type { CheckReport, MessageKind, RunEvent, RunEventOf } from "../../protocol/run-events.ts";
import { applyEvent, initialState, isCalledFor, nextStep } from "./run-state.ts";
import type { RunState, Step } from "./run-state.ts";

const pinned = { name: "test", command: "npm test", timeoutMs: null };

const report: CheckReport = {
  name: "test",
  command: "npm test",
  commandHash: "0".repeat(64),
  passed: false,
  exitCode: 1,
  timedOut: false,
  durationMs: 5,
  tests: null,
  stream: "iterations/0001/checks/01/out",
  baseline: null,
  failure: "exited 1",
  flags: [],
};

const gateOf = (ready: boolean, progress: string | null) => ({
  ready,
  reason: null,
  progress,
  blockers: [],
  extra: {},
});

const started: RunEvent = { type: "started", at: 1, host: "box", pid: 1 };

function checkout(checks = [pinned]): RunEventOf<"checkout"> {
  return { type: "checkout", at: 2, worktree: "/w", base: "h0", head: "h0", tree: "t0", excluded: 0, checks };
}

const baseline: RunEvent = { type: "baseline", at: 3, checks: [report] };

function iterationStarted(index: number): RunEvent {
  const fixed = { sessionId: "s", resumed: index > 1, tree: "t", head: "h", prompt: "go on" };
  return { type: "iteration-started", at: 4, index, ...fixed };
}

function verdict(index: number, fields: Partial<RunEventOf<"verdict">> = {}): RunEvent {
  return {
    type: "verdict",
    at: 5,
    index,
    verdict: "continue",
    reason: "not ready",
    sessionId: "s",
    gate: null,
    changed: true,
    error: null,
    uncounted: false,
    refused: false,
    errorCode: null,
    tree: "t",
    head: "h",
    costUsd: 0.5,
    durationMs: 10,
    tampering: [],
    breaker: {},
    nextPrompt: "go on",
    model: null,
    ...fields,
  };
}

function message(kind: MessageKind, index: number, id = `m${index}`): RunEvent {
  return { type: "message", at: 4, index, id, kind, text: "t" };
}

const waiting: RunEvent = { type: "waiting", at: 6, kind: "backoff", until: 99, reason: "failed" };

const asleep: RunEvent = { type: "waiting", at: 6, kind: "wake-up", until: null, reason: "Waits for its tasks" };

const finished: RunEvent = {
  type: "finished",
  at: 7,
  outcome: "completed",
  reason: "done",
  errorCode: null,
  hint: null,
  verification: "verified",
  head: "h",
  diffStat: null,
  worktree: null,
  branchKept: true,
};

const prepared = [started, checkout(), baseline];

describe("the next step", () => {
  const table: [what: string, events: RunEvent[], step: Step][] = [
    ["nothing has happened", [], "start"],
    ["it has started", [started], "prepare"],
    ["there is a checkout", [started, checkout()], "baseline"],
    ["there is a checkout and nothing to check with", [started, checkout([])], "begin"],
    ["the baseline is taken", prepared, "begin"],
    ["an iteration is open", [...prepared, iterationStarted(1)], "iterate"],
    [
      "its gate and checks are known",
      [
        ...prepared,
        iterationStarted(1),
        { type: "gate", at: 5, index: 1, gate: null },
        { type: "check", at: 5, index: 1, check: report },
      ],
      "iterate",
    ],
    ["the verdict is to continue", [...prepared, iterationStarted(1), verdict(1)], "begin"],
    ["it is to continue later", [...prepared, iterationStarted(1), verdict(1), waiting], "wait"],
    ["it sleeps", [...prepared, iterationStarted(1), verdict(1, { verdict: "wait" }), asleep], "wait"],
    ["it has waited", [...prepared, iterationStarted(1), verdict(1), waiting, iterationStarted(2)], "iterate"],
    ["the verdict is done", [...prepared, iterationStarted(1), verdict(1, { verdict: "done" })], "finish"],
    ["the verdict is to stop", [...prepared, iterationStarted(1), verdict(1, { verdict: "stop" })], "finish"],
    ["it has finished", [...prepared, iterationStarted(1), verdict(1, { verdict: "done" }), finished], "end"],
    ["it has finished before it began", [started, finished], "end"],
  ];
  const spec = runSpec();
  const once = [...prepared, iterationStarted(1)];

  const pauses: [what: string, events: RunEvent[], step: Step][] = [
    ["is prepared", [started], "prepare"],
    ["takes its baseline", [started, checkout()], "baseline"],
    ["would begin", prepared, "pause"],
    ["is at work", once, "iterate"],
    ["would go on", [...once, verdict(1)], "pause"],
    ["waits", [...once, verdict(1), waiting], "pause"],
    ["is done", [...once, verdict(1, { verdict: "done" })], "finish"],
    ["has ended", [started, finished], "end"],
  ];
  for (const [what, events, step] of pauses) {
    it(`is ${step} when a run is to pause that ${what}`, () => assert.equal(nextStep(fold(events), spec, true), step));
  }

  it("is to pause until it is told that the run goes on", () => {
    const paused = [...once, verdict(1), waiting, { type: "paused", at: 7 } as const];
    assert.equal(nextStep(fold(paused), spec, false), "pause");
    assert.equal(nextStep(fold([...paused, { type: "resumed", at: 8 }]), spec, false), "wait");
  });

  for (const [what, events, step] of table) {
    it(`is ${step} when ${what}`, () => assert.equal(nextStep(fold(events), spec, false), step));
  }

  it("is to begin where no baseline is wanted", () => {
    assert.equal(nextStep(fold([started, checkout()]), runSpec({ limits: { baseline: false } }), false), "begin");
  });
});

describe("the state", () => {
  it("counts agent errors in a row; neither a success nor a usage limit is one", () => {
    const failed = verdict(1, { error: "x" });
    assert.equal(fold([failed, failed]).errorsInRow, 2);
    assert.equal(fold([failed, verdict(2), failed]).errorsInRow, 1);
    assert.equal(fold([failed, verdict(2, { error: "x", uncounted: true })]).errorsInRow, 0);
  });

  it("adds costs up, also those of the run that it resumes", () => {
    const resume = { runId: "r", sessionId: null, breaker: null, costUsd: 2 };
    const state = [verdict(1), verdict(2)].reduce(applyEvent, initialState(runSpec({ resume })));
    assert.equal(state.costUsd, 3);
  });

  it("knows which message is part of which iteration's prompt", () => {
    const said = (id: string, index: number) => message("person", index, id);
    const { heard } = fold([said("a", 1), iterationStarted(1), said("b", 2), said("c", 2), iterationStarted(2)]);
    assert.deepEqual(heard, [
      { id: "a", kind: "person", index: 1 },
      { id: "b", kind: "person", index: 2 },
      { id: "c", kind: "person", index: 2 },
    ]);
  });

  it("keeps the progress that was told last", () => {
    const told: RunEvent = { type: "gate", at: 5, index: 1, gate: gateOf(false, "half") };
    const silent: RunEvent = { type: "gate", at: 6, index: 2, gate: null };
    assert.equal(fold([iterationStarted(1), told, iterationStarted(2), silent]).progress, "half");
  });

  it("is the same from a prefix and its rest as from the whole, and no event changes the state before it", () => {
    const index = fc.integer({ min: 1, max: 5 });
    const event: fc.Arbitrary<RunEvent> = fc.oneof(
      fc.constantFrom(started, checkout(), baseline, waiting, finished),
      index.map(iterationStarted),
      index.map((n) => ({ type: "gate", at: 5, index: n, gate: gateOf(true, `step ${n}`) }) as const),
      index.map((n) => ({ type: "check", at: 5, index: n, check: report }) as const),
      fc.tuple(index, fc.boolean()).map(([n, bad]) => verdict(n, { error: bad ? "x" : null, uncounted: n > 3 })),
      fc.constantFrom({ type: "notice", at: 1, message: "m" } as const, { type: "paused", at: 1 } as const),
      index.map((n) => message("person", n)),
      fc.constant({ type: "resumed", at: 1 } as const),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.nat(), (events, cut) => {
        const at = cut % (events.length + 1);
        const before = deepFreeze(fold(events.slice(0, at)));
        assert.deepEqual(events.slice(at).reduce(applyEvent, before), fold(events));
      }),
    );
  });
});

describe("an iteration", () => {
  const calls: [what: string, events: RunEvent[], called: boolean][] = [
    ["the first one", [iterationStarted(1)], true],
    ["one without a message", [verdict(1), iterationStarted(2)], false],
    ["one after an event", [verdict(1), message("event", 2), iterationStarted(2)], true],
    ["one after a person's words", [verdict(1), message("person", 2), iterationStarted(2)], true],
    ["one after a nudge", [verdict(1), message("nudge", 2), iterationStarted(2)], false],
    ["one after a nudge and an event", [verdict(1), message("nudge", 2), message("event", 2)], true],
    ["one after an event that was heard before", [verdict(1), message("event", 2), verdict(2)], false],
    ["one that carries on with what did not count", [verdict(1), message("event", 2), uncounted(2)], true],
    ["the first one that counts", [uncounted(1), iterationStarted(2)], true],
  ];
  for (const [what, events, called] of calls) {
    it(`is ${called ? "" : "not "}called for: ${what}`, () => assert.equal(isCalledFor(fold(events)), called));
  }
});

function uncounted(index: number): RunEvent {
  return verdict(index, { uncounted: true });
}

function fold(events: readonly RunEvent[]): RunState {
  return events.reduce(applyEvent, initialState(runSpec()));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
