import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { Gate } from "./completion-gate.ts";
import type { TamperingFlag } from "./tampering.ts";
import { classify, countsAsIteration, decide, iterationError, retryDelay, wantsChecks } from "./verdict.ts";
import type { CheckOutcome, IterationEnd, IterationFacts, Judgement, LoopPolicy, Verdict } from "./verdict.ts";

const PASSED: CheckOutcome = { name: "lint", passed: true, exitCode: 0, failure: null, tail: "" };
const FAILED: CheckOutcome = { name: "npm test", passed: false, exitCode: 1, failure: null, tail: "1 != 2" };
const SKIPPED: TamperingFlag = { kind: "test-skipped", path: "a.test.ts", detail: "1 newly skipped" };
const BY_CHECK: TamperingFlag = { kind: "check-changed-files", path: "a.ts", detail: "changed" };
const AGENT_ERROR = { kind: "agent-error", cause: "exit", message: "boom" } as const;
const TIMEOUT = { kind: "timeout", which: "wall", message: "too long" } as const;
const LIMIT = { kind: "usage-limit", limit: { until: 100, text: "limit" } } as const;
const PAUSED = { kind: "interrupted", by: "pause" } as const;
const MESSAGE = { kind: "interrupted", by: "message" } as const;
const QUIET = { breaker: new CircuitBreaker(), unheard: null, now: 0 };
const ONCE = policy({ autonomousLoop: false });

suite("classify", () => {
  const limit = { until: 1, text: "limit" };
  const ended: [string, Partial<IterationFacts>, string][] = [
    ["cancelled goes first", { cancelled: true, usageLimit: limit, expiry: "idle", exit: exited(1) }, "cancelled"],
    ["a usage limit goes before errors", { usageLimit: limit, expiry: "wall", exit: exited(1) }, "usage-limit"],
    ["a silent agent", { expiry: "idle", exit: exited(0) }, "timeout"],
    ["an endless agent", { expiry: "wall", gate: ready() }, "timeout"],
    ["an exit code", { exit: exited(3), gate: ready() }, "agent-error: The agent exited with code 3: oops"],
    [
      "a signal",
      { exit: { kind: "signaled", signal: "SIGKILL" } },
      "agent-error: The agent was ended by SIGKILL: oops",
    ],
    ["a lost process", { exit: { kind: "lost" } }, "agent-error: The agent's process was lost: oops"],
    [
      "an error result",
      { result: { isError: true, text: "no model" } },
      "agent-error: The agent reported an error: no model",
    ],
    ["no result", { result: null }, "agent-error: The agent ended without a result: oops"],
    ["another session", { contextLost: true }, "agent-error: The agent lost its context and started another session"],
    [
      "an unknown session",
      { contextLost: true, exit: exited(1) },
      "agent-error: The agent lost its context and started another session",
    ],
    ["a gate", { gate: ready() }, "gate"],
    ["no gate", {}, "no-gate"],
    ["a program that reports no result", { result: null, reportsResult: false, gate: ready() }, "gate"],
    ["an agent that hung after its result", { expiry: "after-result", exit: exited(143), gate: ready() }, "gate"],
  ];
  for (const [name, given, expected] of ended) {
    test(name, () => assert.equal(endOf(classify(facts(given))), expected));
  }

  const logins: [string, Partial<IterationFacts>][] = [
    ["the result's text", { result: { isError: true, text: "Not logged in · Please run /login" }, exit: exited(1) }],
    ["the error's code", { result: null, error: { code: "authentication_failed", text: "401" }, exit: exited(1) }],
  ];
  for (const [name, given] of logins) {
    test(`not logged in, by ${name}`, () => {
      const end = classify(facts(given));
      assert.equal(end.kind === "agent-error" && end.cause, "not-logged-in");
    });
  }

  test("a model that writes of logins is logged in", () => {
    assert.equal(classify(facts({ result: { isError: false, text: "Not logged in" } })).kind, "no-gate");
  });
});

suite("classify, when the agent was interrupted", () => {
  const limit = { until: 1, text: "limit" };
  const ended: [string, Partial<IterationFacts>, string][] = [
    ["interrupted", { interrupted: "pause", exit: { kind: "signaled", signal: "SIGINT" } }, "interrupted"],
    ["interrupted before its gate", { interrupted: "message" }, "interrupted"],
    [
      "interrupted, and reports that as an error",
      { interrupted: "message", result: { isError: true, text: "" } },
      "interrupted",
    ],
    ["interrupted when it had come to its gate", { interrupted: "message", gate: ready() }, "gate"],
    [
      "interrupted when its turn was over",
      { interrupted: "pause", expiry: "after-result", exit: exited(130), gate: ready() },
      "gate",
    ],
    ["interrupted when the account was spent", { interrupted: "message", usageLimit: limit }, "usage-limit"],
    [
      "interrupted when it had lost its context",
      { interrupted: "message", contextLost: true, exit: exited(1) },
      "agent-error: The agent lost its context and started another session",
    ],
    ["cancelled while it was interrupted", { cancelled: true, interrupted: "pause" }, "cancelled"],
  ];
  for (const [name, given, expected] of ended) {
    test(name, () => assert.equal(endOf(classify(facts(given))), expected));
  }
});

const VERDICTS: [string, Partial<Judgement>, string][] = [
  ["ready without checks", { end: gate(true) }, "done: The agent is ready; there are no checks"],
  ["ready and checks agree", { end: gate(true), checks: [PASSED] }, "done: The agent is ready and every check passed"],
  [
    "ready and a check fails",
    { end: gate(true), checks: [PASSED, FAILED] },
    "continue, refused: Check failed: npm test (exit code 1)",
  ],
  [
    "tampering is flagged",
    { end: gate(true), checks: [PASSED], tampering: [SKIPPED] },
    "done: The agent is ready and every check passed",
  ],
  [
    "tampering is refused",
    { end: gate(true), checks: [PASSED], tampering: [SKIPPED], policy: policy({ onTampering: "refuse" }) },
    "continue, refused: Tampering refused: a.test.ts: 1 newly skipped",
  ],
  [
    "a check's own changes are not refused",
    { end: gate(true), tampering: [BY_CHECK], policy: policy({ onTampering: "refuse" }) },
    "done: The agent is ready; there are no checks",
  ],
  ["not ready", { end: gate(false) }, "continue: The agent is not ready: because"],
  ["no gate", { end: { kind: "no-gate" } }, "continue: The agent ended without a completion gate"],
  ["agent error", { end: AGENT_ERROR }, "continue, backoff: boom"],
  ["timeout", { end: TIMEOUT }, "continue, backoff: too long"],
  ["cancelled", { end: { kind: "cancelled" } }, "stop, cancelled, interrupted: Cancelled"],
  ["paused", { end: PAUSED }, "continue: Paused"],
  ["interrupted by a message", { end: MESSAGE }, "continue: Interrupted by a message"],
  ["once: interrupted by a message", { end: MESSAGE, policy: ONCE }, "continue: Interrupted by a message"],
  ["not logged in", { end: { ...AGENT_ERROR, cause: "not-logged-in" } }, "stop, failed, agent_not_logged_in: boom"],
  ["usage limit", { end: LIMIT }, "wait: limit"],
  ["usage limit, no waiting", { end: LIMIT, policy: policy({ waitForUsageLimit: false }) }, "stop, failed: limit"],
  [
    "usage limit, too far away",
    { end: LIMIT, policy: policy({ maxWaitMs: 99 }) },
    "stop, failed: limit: its reset is further away than the longest wait",
  ],
  [
    "once: ready",
    { end: gate(true), checks: [PASSED], policy: ONCE },
    "done: The agent is ready and every check passed",
  ],
  [
    "once: refused",
    { end: gate(true), checks: [FAILED], policy: ONCE },
    "stop, failed, refused: Check failed: npm test (exit code 1)",
  ],
  ["once: not ready", { end: gate(false), policy: ONCE }, "stop, failed: The agent is not ready: because"],
  [
    "once: no gate, checks agree",
    { end: { kind: "no-gate" }, checks: [PASSED], policy: ONCE },
    "done: The agent has ended and every check passed",
  ],
  [
    "once: no gate, a check fails",
    { end: { kind: "no-gate" }, checks: [FAILED], policy: ONCE },
    "stop, failed: Check failed: npm test (exit code 1)",
  ],
  ["once: timeout", { end: TIMEOUT, policy: ONCE }, "stop, failed, timed_out: too long"],
  ["once: usage limit", { end: LIMIT, policy: ONCE }, "wait: limit"],
];

suite("decide", () => {
  for (const [name, given, expected] of VERDICTS) {
    test(name, () => assert.equal(describe(decide({ ...judgement(given), ...QUIET })), expected));
  }

  test("an open breaker stops what would go on, not what is done", () => {
    const breaker = new CircuitBreaker({ maxIterations: 1 });
    breaker.recordIteration(true, null);
    const decided = (given: Partial<Judgement>): string => describe(decide({ ...judgement(given), ...QUIET, breaker }));
    assert.equal(decided({ end: gate(false) }), "stop, failed: Maximum iterations (1) reached");
    assert.equal(
      decided({ end: gate(true), checks: [FAILED] }),
      "stop, failed, refused: Maximum iterations (1) reached",
    );
    assert.equal(decided({ end: gate(true) }), "done: The agent is ready; there are no checks");
  });

  test("checks run for a claim, and at the end of an only iteration", () => {
    assert.ok(wantsChecks(gate(true), policy({})));
    assert.ok(!wantsChecks(gate(false), ONCE));
    assert.ok(!wantsChecks({ kind: "no-gate" }, policy({})));
    assert.ok(wantsChecks({ kind: "no-gate" }, ONCE));
  });

  test("the breaker does not hear of cancellations, usage limits and interruptions", () => {
    const ends = [gate(true), TIMEOUT, LIMIT, { kind: "cancelled" } as const, PAUSED, MESSAGE];
    assert.deepEqual(ends.map(countsAsIteration), [true, true, false, false, false, false]);
  });

  test("a failing check's output is part of the error", () => {
    assert.equal(
      iterationError(judgement({ end: gate(true), checks: [FAILED] })),
      "Check failed: npm test (exit code 1)\n1 != 2",
    );
  });
});

suite("decide, while a message waits", () => {
  const unheard: [string, Partial<Judgement>, string][] = [
    [
      "what is done",
      { end: gate(true), checks: [PASSED] },
      "continue: The agent is ready, and hears a message before the run ends",
    ],
    ["an only iteration", { end: gate(false), policy: ONCE }, "continue: The agent is not ready: because"],
    [
      "a refused claim",
      { end: gate(true), checks: [FAILED] },
      "continue, refused: Check failed: npm test (exit code 1)",
    ],
    ["a usage limit", { end: LIMIT }, "wait: limit"],
  ];
  for (const [what, given, expected] of unheard) {
    test(`a message that waits changes what becomes of ${what} as it should`, () => {
      assert.equal(describe(decide({ ...judgement(given), ...QUIET, unheard: "words" })), expected);
    });
  }

  test("neither a message nor an interruption keeps a breaker from opening", () => {
    const breaker = new CircuitBreaker({ maxIterations: 1 });
    breaker.recordIteration(true, null);
    for (const end of [gate(true), gate(false), PAUSED, MESSAGE]) {
      const verdict = decide({ ...judgement({ end }), ...QUIET, breaker, unheard: "words" });
      assert.equal(describe(verdict), "stop, failed: Maximum iterations (1) reached");
    }
  });

  test("nothing that is unheard is the end of a run that goes well, whatever the policy", () => {
    const ends = fc.constantFrom<IterationEnd>(gate(true), gate(false), { kind: "no-gate" }, PAUSED, MESSAGE);
    const policies = fc.record({ autonomousLoop: fc.boolean(), onTampering: fc.constantFrom("flag", "refuse") });
    const outcomes = fc.subarray([PASSED, FAILED]);
    fc.assert(
      fc.property(ends, policies, outcomes, (end, given, checks) => {
        const situation = { ...QUIET, unheard: "words" } as const;
        const verdict = decide({ ...judgement({ end, checks, policy: policy(given) }), ...situation });
        assert.equal(verdict.verdict, "continue");
      }),
    );
  });
});

suite("decide, on a supervisor", () => {
  const HEARS = "continue: Something has happened that the agent has not heard of";
  const FAILS = "continue, refused: Check failed: npm test (exit code 1)";
  /** What becomes of it when nothing has happened meanwhile, and otherwise. */
  const ends: [string, Partial<Judgement>, silence: string, news?: string][] = [
    ["that is not ready", { end: gate(false) }, "wait: Waits for its tasks: because", HEARS],
    ["that says nothing", { end: { kind: "no-gate" } }, "wait: Waits for its tasks", HEARS],
    ["that is ready", { end: gate(true) }, "done: The agent is ready; there are no checks"],
    ["that failed", { end: AGENT_ERROR }, "continue, backoff: boom"],
    ["that is interrupted", { end: MESSAGE }, "continue: Interrupted by a message"],
    ["without an account", { end: LIMIT }, "wait: limit"],
    ["that was refused", { end: gate(true), checks: [FAILED] }, FAILS],
  ];
  for (const [who, given, silence, news = silence] of ends) {
    for (const autonomousLoop of [true, false]) {
      test(`one ${who} goes on as it should, ${autonomousLoop ? "with" : "without"} the loop`, () => {
        const judged = supervised({ ...given, policy: policy({ supervises: true, autonomousLoop }) });
        assert.equal(describe(decide(judged)), silence);
        assert.equal(describe(decide({ ...judged, unheard: "news" })), news);
      });
    }
  }

  test("one that is ready hears what people say before it ends", () => {
    assert.equal(decide({ ...supervised({ end: gate(true) }), unheard: "words" }).verdict, "continue");
  });

  test("one waits for something to happen or for its account, and never for both", () => {
    const kinds = [gate(false), LIMIT].map((end) => {
      const verdict = decide(supervised({ end }));
      return verdict.verdict === "wait" ? verdict.kind : null;
    });
    assert.deepEqual(kinds, ["wake-up", "usage-limit"]);
  });

  test("one does not wait when its breaker is open", () => {
    const breaker = new CircuitBreaker({ noChangeThreshold: 1 });
    breaker.recordIteration(false, null);
    const verdict = decide({ ...supervised({ end: gate(false) }), breaker });
    assert.equal(describe(verdict), "stop, failed: No file changes for 1 consecutive runs");
  });
});

suite("decide, on news that a worker has not heard", () => {
  test("they neither keep a run from its end nor a single iteration from being the last", () => {
    for (const [end, expected] of [
      [gate(true), "done"],
      [gate(false), "stop"],
    ] as const) {
      assert.equal(decide({ ...judgement({ end, policy: ONCE }), ...QUIET, unheard: "news" }).verdict, expected);
    }
  });
});

suite("retry delay", () => {
  test("doubles from the base up to the cap", () => {
    assert.deepEqual(
      [0, 1, 2, 3, 7, 9999].map((errors) => retryDelay(errors, 1000)),
      [0, 1000, 2000, 4000, 60_000, 60_000],
    );
    assert.equal(retryDelay(9999, 0), 0);
  });

  test("never shrinks and never passes the cap", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 1e6 }), fc.nat({ max: 1e6 }), (errors, base, cap) => {
        assert.ok(retryDelay(errors, base, cap) <= Math.min(cap, retryDelay(errors + 1, base, cap)));
      }),
    );
  });
});

function endOf(end: IterationEnd): string {
  return end.kind === "agent-error" ? `${end.kind}: ${end.message}` : end.kind;
}

function exited(code: number): IterationFacts["exit"] {
  return { kind: "exited", code };
}

function ready(): Gate {
  return { ready: true, reason: "because", progress: null, blockers: [], extra: {} };
}

function gate(isReady: boolean): IterationEnd {
  return { kind: "gate", gate: { ...ready(), ready: isReady } };
}

function facts(given: Partial<IterationFacts>): IterationFacts {
  return {
    cancelled: false,
    interrupted: null,
    usageLimit: null,
    expiry: null,
    exit: exited(0),
    result: { isError: false, text: "" },
    reportsResult: true,
    error: null,
    errorOutput: "oops\n",
    contextLost: false,
    gate: null,
    ...given,
  };
}

function policy(given: Partial<LoopPolicy>): LoopPolicy {
  return {
    autonomousLoop: true,
    supervises: false,
    onTampering: "flag",
    waitForUsageLimit: true,
    maxWaitMs: 1000,
    ...given,
  };
}

function judgement(given: Partial<Judgement>): Judgement {
  return { end: gate(true), checks: [], tampering: [], policy: policy({}), ...given };
}

function supervised(given: Partial<Judgement>) {
  return { ...judgement({ policy: policy({ supervises: true }), ...given }), ...QUIET };
}

function describe(verdict: Verdict): string {
  const words: string[] = [verdict.verdict];
  if (verdict.verdict === "stop")
    words.push(verdict.outcome, ...(verdict.errorCode === null ? [] : [verdict.errorCode]));
  if (verdict.verdict === "continue" && verdict.backoff) words.push("backoff");
  if (verdict.refused) words.push("refused");
  return `${words.join(", ")}: ${verdict.reason}`;
}
