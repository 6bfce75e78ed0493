import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CircuitBreaker, DEFAULT_THRESHOLDS } from "./circuit-breaker.ts";
import type { BreakerThresholds } from "./circuit-breaker.ts";

suite("circuit breaker: iterations", () => {
  test("opens at the 5th of 5 iterations", () => {
    const breaker = new CircuitBreaker({ maxIterations: 5 });
    assert.deepEqual(
      times(5, () => breaker.recordIteration(true, null)),
      [true, true, true, true, false],
    );
    assert.equal(breaker.reason, "Maximum iterations (5) reached");
  });

  test("opens at the 3rd of 3 without changes", () => {
    const breaker = new CircuitBreaker({ noChangeThreshold: 3 });
    assert.deepEqual(
      times(3, () => breaker.recordIteration(false, null)),
      [true, true, false],
    );
    assert.equal(breaker.reason, "No file changes for 3 consecutive runs");
  });

  test("opens at the 3rd of 3 with the same error", () => {
    const breaker = new CircuitBreaker({ sameErrorThreshold: 3 });
    const errors = ["exit 1 after 1.2s", "exit 1 after 3s", "exit 1 after 40 ms"];
    assert.deepEqual(
      errors.map((error) => breaker.recordIteration(true, error)),
      [true, true, false],
    );
    assert.equal(breaker.reason, "Same error repeated 3 times: exit 1 after 40 ms");
  });

  test("stays closed for different errors", () => {
    const breaker = new CircuitBreaker({ sameErrorThreshold: 2 });
    for (const error of ["a", "b", "a", "b"]) assert.ok(breaker.recordIteration(true, error));
    assert.equal(breaker.state, "closed");
  });

  test("a change resets the count, and so does an iteration without an error", () => {
    const breaker = new CircuitBreaker({ noChangeThreshold: 2, sameErrorThreshold: 2 });
    for (const changed of [false, true, false, true]) assert.ok(breaker.recordIteration(changed, null));
    for (const error of ["a", null, "a", null]) assert.ok(breaker.recordIteration(true, error));
  });

  test("names the first reason in the order of the rules, and keeps it", () => {
    const breaker = new CircuitBreaker({ maxIterations: 1, noChangeThreshold: 1, sameErrorThreshold: 1 });
    assert.equal(breaker.recordIteration(false, "x"), false);
    assert.equal(breaker.recordUsage({ usd: 1e9, tokens: 0 }), false);
    assert.equal(breaker.recordIteration(true, null), false);
    assert.equal(breaker.reason, "Maximum iterations (1) reached");
  });

  test("reset forgets everything but the thresholds", () => {
    const breaker = new CircuitBreaker({ maxIterations: 1 });
    breaker.recordIteration(false, "x");
    breaker.reset();
    assert.deepEqual(breaker.toJSON(), new CircuitBreaker({ maxIterations: 1 }).toJSON());
  });
});

suite("circuit breaker: further reasons", () => {
  test("permission denials in consecutive iterations", () => {
    const breaker = new CircuitBreaker();
    assert.deepEqual(
      [3, 0, 1, 1].map((denials) => breaker.recordPermissionDenials(denials)),
      [true, true, true, false],
    );
    assert.equal(breaker.reason, "Permission denied in 2 consecutive runs");
  });

  test("one tool call over and over without a change", () => {
    const breaker = new CircuitBreaker({ noChangeThreshold: 9 });
    times(3, () => breaker.recordToolCall("Bash", "npm test"));
    assert.ok(breaker.recordIteration(false, null));
    breaker.recordToolCall("Read", "a");
    times(2, () => breaker.recordToolCall("Bash", "npm test"));
    assert.equal(breaker.recordIteration(false, null), false);
    assert.equal(breaker.reason, "Same tool call repeated 5 times without a change: Bash");
  });

  test("a change forgives repeated tool calls, other inputs are other calls, the memory is bounded", () => {
    const breaker = new CircuitBreaker({ maxIterations: 99 });
    times(9, () => breaker.recordToolCall("Bash", "npm test"));
    assert.ok(breaker.recordIteration(true, null));
    for (let input = 0; input < 1000; input++) breaker.recordToolCall("Read", String(input));
    assert.ok(breaker.recordIteration(false, null));
    assert.ok(JSON.stringify(breaker).length < 8000);
  });

  test("budget in dollars, in tokens, and the wall clock", () => {
    const dollars = new CircuitBreaker({ budgetUsd: 1 });
    assert.ok(dollars.recordUsage({ usd: 0.75, tokens: 1e9 }));
    assert.equal(dollars.remainingUsd, 0.25);
    assert.ok(dollars.recordUsage({ usd: Number.NaN, tokens: -1 }));
    assert.equal(dollars.recordUsage({ usd: 0.5, tokens: 0 }), false);
    assert.equal(dollars.reason, "Budget of $1 spent");

    const tokens = new CircuitBreaker({ budgetTokens: 10 });
    assert.equal(tokens.recordUsage({ usd: 0, tokens: 10 }), false);
    assert.equal(tokens.reason, "Budget of 10 tokens spent");

    const clock = new CircuitBreaker({ wallClockMs: 60_000 });
    assert.ok(clock.recordElapsed(59_999));
    assert.equal(clock.remainingMs, 1);
    assert.equal(clock.recordElapsed(1), false);
    assert.equal(clock.reason, "Time limit of 60 s reached");
  });
});

suite("circuit breaker: resume", () => {
  test("a probe that made progress closes the circuit, with fresh counters", () => {
    const breaker = opened();
    breaker.halfOpen();
    assert.equal(breaker.state, "half-open");
    assert.ok(breaker.recordIteration(true, "another error"));
    assert.equal(breaker.state, "closed");
    assert.equal(breaker.reason, null);
    assert.equal(breaker.toJSON().iterations, 1);
  });

  const failures: [string, boolean, string | null][] = [
    ["changed nothing", false, null],
    ["failed as before", true, "boom"],
  ];
  for (const [name, changed, error] of failures) {
    test(`a probe that ${name} opens it again`, () => {
      const breaker = opened();
      breaker.halfOpen();
      assert.equal(breaker.recordIteration(changed, error), false);
      assert.equal(breaker.reason, "No progress after resuming; before: Same error repeated 2 times: boom");
    });
  }

  test("a closed circuit has nothing to probe", () => {
    const breaker = new CircuitBreaker();
    breaker.recordIteration(false, null);
    breaker.halfOpen();
    assert.equal(breaker.state, "closed");
    assert.equal(breaker.toJSON().noChanges, 1);
  });

  test("restore takes new thresholds, and starts missing fields afresh", () => {
    const state = new CircuitBreaker({ maxIterations: 1, budgetUsd: 5 }).toJSON();
    const restored = CircuitBreaker.restore(state, { maxIterations: 7, budgetUsd: null });
    assert.deepEqual(restored.thresholds, { ...DEFAULT_THRESHOLDS, maxIterations: 7 });
    assert.deepEqual(CircuitBreaker.restore({}).toJSON(), new CircuitBreaker().toJSON());
  });
});

test("circuit breaker: serialising and restoring at any point changes nothing", () => {
  fc.assert(
    fc.property(thresholds, fc.array(fc.tuple(step, fc.boolean()), { maxLength: 40 }), (limits, steps) => {
      const whole = new CircuitBreaker(limits);
      let cut = new CircuitBreaker(limits);
      for (const [apply, restart] of steps) {
        if (restart) cut = CircuitBreaker.restore(JSON.parse(JSON.stringify(cut)));
        assert.equal(apply(cut), apply(whole));
        assert.deepEqual(cut.toJSON(), whole.toJSON());
        assert.equal(whole.state !== "closed", whole.reason !== null);
      }
    }),
    { numRuns: 500 },
  );
});

const thresholds: fc.Arbitrary<Partial<BreakerThresholds>> = fc.record({
  maxIterations: fc.integer({ min: 1, max: 12 }),
  noChangeThreshold: fc.integer({ min: 1, max: 4 }),
  sameErrorThreshold: fc.integer({ min: 1, max: 4 }),
  budgetUsd: fc.option(fc.integer({ min: 1, max: 20 }), { nil: null }),
  wallClockMs: fc.option(fc.integer({ min: 1, max: 20 }), { nil: null }),
});

const step: fc.Arbitrary<(breaker: CircuitBreaker) => unknown> = fc.oneof(
  fc.tuple(fc.boolean(), fc.constantFrom(null, "a", "b", "took 3s", "took 4s")).map(
    ([changed, error]) =>
      (breaker: CircuitBreaker) =>
        breaker.recordIteration(changed, error),
  ),
  fc.constantFrom("a", "b").map((input) => (breaker: CircuitBreaker) => breaker.recordToolCall("Bash", input)),
  fc.nat({ max: 2 }).map((denials) => (breaker: CircuitBreaker) => breaker.recordPermissionDenials(denials)),
  fc.nat({ max: 3 }).map((usd) => (breaker: CircuitBreaker) => breaker.recordUsage({ usd, tokens: 1 })),
  fc.nat({ max: 3 }).map((ms) => (breaker: CircuitBreaker) => breaker.recordElapsed(ms)),
  fc.constant((breaker: CircuitBreaker) => breaker.halfOpen()),
  fc.constant((breaker: CircuitBreaker) => breaker.reset()),
);

function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker({ sameErrorThreshold: 2 });
  times(2, () => breaker.recordIteration(true, "boom"));
  assert.equal(breaker.state, "open");
  return breaker;
}

function times<T>(count: number, call: () => T): T[] {
  return Array.from({ length: count }, call);
}
