import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { processorTime } from "../../test/support/processor-time.ts";
import { GateScanner, MAX_BODY, parse, parseLast } from "./completion-gate.ts";
import type { Gate } from "./completion-gate.ts";

suite("completion gate: forms", () => {
  test("reads key: value lines", () => {
    const gate = parse(block('ready: true\nreason: "all green"\nprogress: "fixed the parser"'));
    assert.deepEqual(gate, { ...EMPTY, ready: true, reason: "all green", progress: "fixed the parser" });
  });

  test("reads blockers of a gate that is not ready", () => {
    const gate = parse(block('ready: false\nreason: "stuck"\nblockers: ["no key", "no network"]'));
    assert.deepEqual(gate, { ...EMPTY, reason: "stuck", blockers: ["no key", "no network"] });
  });

  test("reads JSON", () => {
    const gate = parse(block('{"ready": true, "reason": "done", "blockers": "one", "files": 3}'));
    assert.deepEqual(gate, { ...EMPTY, ready: true, reason: "done", blockers: ["one"], extra: { files: 3 } });
  });

  test("tells the first of several gates from the last", () => {
    const text = `${block("ready: false")} and later ${block("ready: true")} end`;
    assert.equal(parse(text)?.ready, false);
    assert.equal(parseLast(text)?.ready, true);
  });

  test("finds no gate where there is none", () => {
    for (const text of ["", "no gate", "<COMPLETION_GATE>ready: true", "ready: true</COMPLETION_GATE>"]) {
      assert.equal(parse(text), null);
      assert.equal(parseLast(text), null);
    }
  });
});

const READY: [string, boolean][] = [
  ["true", true],
  ["TRUE", true],
  ['"True"', true],
  ["yes", true],
  ["'1'", true],
  ["YES", false],
  ["on", false],
  ["", false],
  ["true|false", false],
  ['"true', false],
];

const BLOCKERS: [string, string[]][] = [
  ['blockers: ["a: b", "c"]', ["a: b", "c"]],
  ["blockers:\n  - a: b\n  - 'c'\n\n  - d\nreason: x", ["a: b", "c", "d"]],
  ["blockers: only this", ["only this"]],
  ["blockers: []", []],
  ["blockers:", []],
  ['blockers: [\n  "a: b",\n  "c"\n]', ["a: b", "c"]],
  ["blockers: [not, json]", ["[not, json]"]],
  ["blockers: [\nnever closed", ["["]],
];

suite("completion gate: details", () => {
  for (const [value, expected] of READY) {
    test(`ready: ${value} is ${expected}`, () => assert.equal(parse(block(`ready: ${value}`))?.ready, expected));
  }

  for (const [content, expected] of BLOCKERS) {
    test(`blockers of ${JSON.stringify(content)}`, () => {
      const gate = parse(block(content));
      assert.deepEqual(gate?.blockers, expected);
      assert.deepEqual(gate?.extra, {});
    });
  }

  test("keys are trimmed and case-insensitive, the first colon splits, the last of a key wins", () => {
    const gate = parse(block("  READY : false\nReason: a: b\nready: true\nNote: 1\nnote: 2"));
    assert.deepEqual(gate, { ...EMPTY, ready: true, reason: "a: b", extra: { note: 2 } });
  });

  test("values lose one pair of matching quotes", () => {
    assert.equal(parse(block(`reason: "'x'"`))?.reason, "'x'");
    assert.equal(parse(block(`reason: "x'`))?.reason, `"x'`);
    assert.equal(parse(block('reason: "'))?.reason, '"');
  });

  test("JSON without a boolean ready is read as lines", () => {
    assert.equal(parse(block('{"ready": "true"}'))?.ready, false);
    assert.equal(parse(block("{\nready: true\n}"))?.ready, true);
  });

  test("prototype keys are plain keys", () => {
    for (const content of ['{"ready":true,"__proto__":{"x":1},"toString":1}', "__proto__: {}\ntoString: 1"]) {
      const extra = parse(block(content))?.extra ?? {};
      assert.deepEqual(Object.keys(extra), ["__proto__", "toString"]);
      assert.equal(Object.getPrototypeOf(extra), Object.prototype);
    }
  });
});

suite("completion gate: hostile blocks", () => {
  test("an end tag before the start, a mentioned start tag and ANSI escapes do not matter", () => {
    assert.equal(parse(`</COMPLETION_GATE> ${block("ready: true")}`)?.ready, true);
    assert.equal(parse(`I will print <COMPLETION_GATE> now: ${block('{"ready": true}')}`)?.ready, true);
    assert.equal(parse("<COMPLETION\x1b[0m_GATE>\x1b[32mready\x1b[0m: true</COMPLETION_GATE>")?.ready, true);
    assert.equal(parse("COMPLETION_GATE>ready: true</COMPLETION_GATE>"), null);
  });

  test("an endless body is no gate, and the next one is found", () => {
    assert.equal(parse(block(`ready: true\nreason: ${"x".repeat(MAX_BODY)}`)), null);
    assert.equal(parse(block("x".repeat(MAX_BODY + 1)) + block("ready: true"))?.ready, true);
    assert.notEqual(parse(block("x".repeat(MAX_BODY - 2))), null);
  });

  test("bottomless JSON stays text, so that the gate can be serialised", () => {
    const deep = "[".repeat(10_000) + "]".repeat(10_000);
    const gate = parse(block(`ready: true\ndeep: ${deep}`));
    assert.equal(gate?.extra["deep"], deep);
    assert.ok(JSON.stringify(gate).length > 0);
  });
});

suite("completion gate: properties", () => {
  test("never throws, and never finds a last gate without a first", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        assert.equal(parse(text) === null, parseLast(text) === null);
      }),
      { numRuns: 1000 },
    );
  });

  test("chunking never matters", () => {
    fc.assert(
      fc.property(hostileText, fc.array(fc.nat({ max: 40 })), (text, cuts) => {
        const scanner = new GateScanner();
        let from = 0;
        for (const cut of cuts) {
          scanner.push(text.slice(from, from + cut));
          from += cut;
        }
        scanner.push(text.slice(from));
        assert.deepEqual(scanner.last, parseLast(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("the JSON and the line form agree", () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\n\x1b]/.test(text) && !text.includes("GATE>"));
    const key = fc.stringMatching(/^[a-z_]{1,12}$/).filter((name) => !KNOWN.includes(name));
    const extra = fc.uniqueArray(fc.tuple(key, fc.jsonValue({ maxDepth: 2 })), { selector: ([name]) => name });
    const blockers = fc.array(line.filter((text) => text !== ""));
    fc.assert(
      fc.property(fc.boolean(), line, line, blockers, extra, (ready, reason, progress, list, more) => {
        const entries = Object.fromEntries(more);
        const json = JSON.stringify({ ready, reason, progress, blockers: list, ...entries });
        const lines = [`ready: ${ready}`, `reason: "${reason}"`, `progress: "${progress}"`];
        lines.push(`blockers: ${JSON.stringify(list)}`);
        lines.push(...Object.entries(entries).map(([name, value]) => `${name}: ${JSON.stringify(value)}`));
        fc.pre(!/GATE>/.test(json));
        const gate = parse(block(lines.join("\n")));
        assert.deepEqual(gate, parse(block(json)));
        assert.equal(gate?.reason, reason);
      }),
    );
  });
});

suite("completion gate: cost", () => {
  const hostile = {
    "start tags": "<COMPLETION_GATE>",
    "end tags": "</COMPLETION_GATE>",
    "whole blocks": "<COMPLETION_GATE>ready: true</COMPLETION_GATE>",
    "beginnings of tags": "<COMPLETION_GAT",
    "angle brackets": "<",
    escapes: "\x1b[",
    "unfinished escapes": "\x1b]0;",
  };
  for (const [name, unit] of Object.entries(hostile)) {
    test(`ten times the ${name} take about ten times as long`, () => {
      const small = unit.repeat(400_000 / unit.length);
      const large = unit.repeat(4_000_000 / unit.length);
      const base = processorTime(() => parseLast(small));
      // A quadratic scan would take a hundred times as long; the constant forgives a collection of garbage.
      assert.ok(processorTime(() => parseLast(large)) < 40 * base + 50);
    });
  }

  test("one character at a time costs no more than its length", () => {
    const scanner = new GateScanner();
    for (const char of `${"x<".repeat(100_000)}${block(`reason: ${"y".repeat(MAX_BODY - 10)}`)}`) scanner.push(char);
    assert.equal(scanner.last?.reason?.length, MAX_BODY - 10);
  });
});

const EMPTY: Gate = { ready: false, reason: null, progress: null, blockers: [], extra: {} };
const KNOWN = ["ready", "reason", "progress", "blockers"];

function block(content: string): string {
  return `<COMPLETION_GATE>\n${content}\n</COMPLETION_GATE>`;
}

/** Text made of what the parser looks for, whole and cut. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<COMPLETION_GATE>",
        "</COMPLETION_GATE>",
        "<COMPLETION",
        "_GATE>",
        "</",
        "<",
        "\n",
        ":",
        "{",
        "}",
      ),
      fc.constantFrom("ready: true\n", '{"ready":true}', "blockers:\n- a\n", "blockers: [", "\x1b[31m", "\x1b]0;t\x07"),
      fc.constantFrom("\x1b", "[", "__proto__: 1\n", "reason: x\n", '"', "x".repeat(MAX_BODY)),
      fc.string(),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(""));
