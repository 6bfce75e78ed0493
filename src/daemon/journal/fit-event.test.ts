import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CircuitBreaker } from "../../core/circuit-breaker.ts";
import { decodeEvent, encodeEvent, MAX_EVENT_BYTES } from "../../protocol/run-events.ts";
import type { CheckReport, RunEvent, RunEventOf } from "../../protocol/run-events.ts";
import { excerpt, fitEvent } from "./fit-event.ts";

describe("an event", () => {
  it("that fits stays as it is", () => {
    const event: RunEvent = { type: "notice", at: 1, message: "x".repeat(200_000) };
    assert.equal(fitEvent(event), event);
  });

  it("fits a frame whatever an agent and its checks have to say, and keeps what the run goes on", () => {
    const text = fc.constantFrom("a", "é", "\u0001", "\uD800", "𝒳").chain((char) => {
      return fc.constantFrom(0, 200, 40_000).map((length) => char.repeat(length));
    });
    const list = fc.constantFrom(0, 30, 1_000);
    fc.assert(
      fc.property(text, text, list, list, (long, other, many, more) => {
        const event = verdict({ long, other, many, more });
        const fitted = fitEvent(event) as RunEventOf<"verdict">;
        const line = encodeEvent(fitted);
        assert.ok(Buffer.byteLength(line) <= MAX_EVENT_BYTES);
        assert.equal(decodeEvent(line).type, "verdict");
        const { verdict: decision, sessionId, tree, head, errorCode } = fitted;
        assert.deepEqual(
          { decision, sessionId, tree, head, errorCode },
          { decision: "continue", sessionId: SESSION, tree: COMMIT, head: COMMIT, errorCode: null },
        );
        assert.equal(fitted.breaker["iterations"], event.breaker["iterations"]);
      }),
      { numRuns: 20 },
    );
  });

  it("lists every one of a hundred checks, however long they are and whatever they did", () => {
    const checks = Array.from({ length: 100 }, (_, index) => report(index));
    const fitted = fitEvent({ type: "baseline", at: 1, checks }) as RunEventOf<"baseline">;
    assert.deepEqual(
      fitted.checks.map(({ commandHash, passed, stream }) => ({ commandHash, passed, stream })),
      checks.map(({ commandHash, passed, stream }) => ({ commandHash, passed, stream })),
    );
    assert.ok(fitted.checks.every(({ flags }) => flags.length > 0));
  });
});

describe("an excerpt", () => {
  it("is the beginning, and splits no character", () => {
    assert.equal(excerpt("abcdef", 6), "abcdef");
    assert.equal(excerpt("abcdef", 5), "abcd…");
    assert.equal(excerpt("ab𝒳def", 4), "ab…");
  });
});

const SESSION = "0b0e8a3c-5d6e-4f60-9a53-0d5f5b0f5a11";
const COMMIT = "0123456789abcdef".repeat(4);

function verdict(of: { long: string; other: string; many: number; more: number }): RunEventOf<"verdict"> {
  const { long, other, many, more } = of;
  const breaker = new CircuitBreaker();
  for (let call = 0; call < 100; call += 1) breaker.recordToolCall(long || "tool", `${call}`);
  return {
    type: "verdict",
    at: 1,
    index: 1,
    verdict: "continue",
    reason: long,
    sessionId: SESSION,
    gate: {
      ready: false,
      reason: long,
      progress: other,
      blockers: Array.from({ length: many }, () => other.slice(0, 100)),
      extra: { deep: Array.from({ length: more }, () => [[long.slice(0, 20)]]), ["__proto__"]: 1, plain: 2 },
    },
    changed: true,
    error: other,
    uncounted: false,
    refused: false,
    errorCode: null,
    tree: COMMIT,
    head: COMMIT,
    costUsd: 1,
    durationMs: 1,
    tampering: Array.from({ length: more }, (_, index) => flag(`${index}${other}`.slice(0, 4_096))),
    breaker: { ...breaker.toJSON() },
    nextPrompt: long,
    model: null,
  };
}

function flag(path: string): CheckReport["flags"][number] {
  return { kind: "check-changed-files", path, detail: `changed by \`${"x".repeat(5_000)}\`` };
}

function report(index: number): CheckReport {
  return {
    name: `check ${index} ${"n".repeat(640)}`,
    command: `check ${index} ${"n".repeat(640)}`,
    commandHash: COMMIT,
    passed: index % 2 === 0,
    exitCode: 1,
    timedOut: false,
    durationMs: 1,
    tests: { runner: "node:test", total: 1, passed: 1, failed: 0, skipped: 0 },
    stream: `baseline/${index}/out`,
    baseline: null,
    failure: "exited 1",
    flags: Array.from({ length: 100 }, (_, number) => flag(`src/${number}`)),
  };
}
