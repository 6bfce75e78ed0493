import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "./completion-gate.ts";
import { firstPrompt, nextPrompt, withMessages, workerInstructions } from "./prompts.ts";
import type { PromptFacts } from "./prompts.ts";

const AGENT_ERROR = { kind: "agent-error", cause: "exit", message: "boom" } as const;

suite("prompts", () => {
  test("the first one is the goal, and the checks if there are any", () => {
    assert.equal(firstPrompt({ goal: "make it so", checks: [] }), "make it so");
    assert.match(
      firstPrompt({ goal: "make it so", checks: ["npm test", "npm run lint"] }),
      /^make it so\n[^]*\n- npm test\n- npm run lint$/,
    );
  });

  test("the instructions show the format, and are no claim themselves", () => {
    assert.equal(parse(workerInstructions())?.ready, false);
  });

  const prompts: [string, Partial<PromptFacts>, RegExp][] = [
    ["the goal to a run that resumes another one", { end: { kind: "cancelled" } }, /^Your work on this goes on[^]*so$/],
    ["blockers", { end: gate(false, ["no key", "no net"]) }, /resolve what you named:\n- no key\n- no net$/],
    ["the reason where there are no blockers", { end: gate(false, []) }, /- because$/],
    ["the format after no gate", { end: { kind: "no-gate" } }, /<COMPLETION_GATE>\nready: true\|false/],
    [
      "the failing check",
      { end: gate(true, []), outcomes: [outcome("lint", true), outcome("npm test", false)] },
      /not every check passes[^]*npm test: exit code 1\n1 != 2$/,
    ],
    [
      "what was weakened",
      { end: gate(true, []), refused: [{ kind: "test-skipped", path: "a.test.ts", detail: "skipped" }] },
      /weakened[^]*- a\.test\.ts: skipped$/,
    ],
    ["the idle limit", { end: { kind: "timeout", which: "idle", message: "" } }, /nothing was heard of you/],
    ["the time limit", { end: { kind: "timeout", which: "wall", message: "" } }, /took too long/],
    ["the error", { end: AGENT_ERROR }, /ended with an error[^]*boom$/],
    [
      "the goal after a usage limit",
      { end: { kind: "usage-limit", limit: { until: null, text: "" } } },
      /interrupted[^]*make it so$/,
    ],
  ];
  for (const [name, given, expected] of prompts) {
    test(`the next one names ${name}`, () => assert.match(nextPrompt(facts(given)), expected));
  }

  test("an agent that remembers nothing is told everything again", () => {
    for (const given of [
      { remembers: false },
      { end: { kind: "agent-error", cause: "context-lost", message: "lost" } },
    ] as const) {
      assert.match(nextPrompt(facts(given)), /^make it so\n[^]*- npm test\n[^]*begun already[^]*/);
    }
    assert.doesNotMatch(nextPrompt(facts({})), /make it so/);
  });

  test("a flood of output or blockers makes no flood of a prompt", () => {
    const flood = Array.from({ length: 1000 }, () => "x".repeat(10_000));
    const outcomes = flood.map((tail) => ({ ...outcome("npm test", false), tail }));
    assert.ok(nextPrompt(facts({ end: gate(true, []), outcomes })).length < 40_000);
    assert.ok(nextPrompt(facts({ end: gate(false, flood) })).length < 40_000);
    assert.match(nextPrompt(facts({ end: gate(false, flood) })), /- and 980 more$/);
  });
});

suite("prompts around messages", () => {
  test("an agent that is interrupted by a message is told the message alone, and after a pause to go on", () => {
    assert.equal(nextPrompt(facts({ end: { kind: "interrupted", by: "message" } })), "");
    assert.match(
      nextPrompt(facts({ end: { kind: "interrupted", by: "pause" } })),
      /Go on where you stopped[^]*make it so$/,
    );
    assert.equal(nextPrompt(facts({ end: gate(true, []) })), "");
  });

  test("what people say comes after the prompt, in order, and before the format of the gate", () => {
    assert.equal(withMessages("go on", { said: [], happened: [] }), "go on");
    const said = withMessages("go on", { said: ["one", "two"], happened: [] });
    assert.match(said, /^go on\n\nA person [^]*:\n\none\n\ntwo\n\nEnd every turn [^]*<COMPLETION_GATE>/);
    assert.match(withMessages("", { said: ["one"], happened: [] }), /^A person /);
  });

  test("what has happened comes after what people say, and asks for no gate by itself", () => {
    assert.equal(
      withMessages("go on", { said: [], happened: ["one", "two"] }),
      "go on\n\nMeanwhile this has happened:\n\none\n\ntwo",
    );
    assert.match(
      withMessages("", { said: ["words"], happened: ["news"] }),
      /^A person [^]*words\n\nMeanwhile [^]*:\n\nnews\n\nEnd every turn/,
    );
  });

  test("a supervisor that waited is reminded of its contract, and blamed for nothing", () => {
    for (const end of [gate(false, ["beta is at work"]), { kind: "no-gate" }] as const) {
      const prompt = nextPrompt(facts({ end, supervises: true }));
      assert.match(prompt, /^You are woken [^]*makima supervisor status/);
      assert.doesNotMatch(prompt, /COMPLETION_GATE|not ready\. |beta/);
    }
    assert.match(nextPrompt(facts({ end: AGENT_ERROR, supervises: true })), /ended with an error/);
  });

  test("what people said before is said again to an agent that remembers nothing", () => {
    const prompt = nextPrompt(facts({ remembers: false, said: ["one", "two"] }));
    assert.match(prompt, /^make it so\n[^]*a person has said:\n\none\n\ntwo\n\nWork on this may have begun/);
    assert.doesNotMatch(nextPrompt(facts({ said: ["one"] })), /one/);
  });
});

function gate(ready: boolean, blockers: string[]): PromptFacts["end"] {
  return { kind: "gate", gate: { ready, reason: "because", progress: null, blockers, extra: {} } };
}

function outcome(name: string, passed: boolean): PromptFacts["outcomes"][number] {
  return { name, passed, exitCode: passed ? 0 : 1, failure: null, tail: "1 != 2\n" };
}

function facts(given: Partial<PromptFacts>): PromptFacts {
  return {
    goal: "make it so",
    checks: ["npm test"],
    end: gate(false, []),
    outcomes: [],
    refused: [],
    remembers: true,
    said: [],
    supervises: false,
    ...given,
  };
}
