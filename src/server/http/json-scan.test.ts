import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonProblem } from "./json-scan.ts";

const TWICE = /twice/;

test("what JSON.stringify writes has no problem, however it is spaced", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, " ", "\t"), (value, space) => {
      assert.equal(jsonProblem(JSON.stringify(value, null, space)), null);
    }),
  );
});

test("a key that JSON.parse would overwrite is found, wherever it stands and however it is written", () => {
  const spellings = fc.constantFrom(
    (key: string) => JSON.stringify(key),
    (key: string) => `"${Array.from({ length: key.length }, (_, at) => escaped(key.charCodeAt(at))).join("")}"`,
  );
  const space = fc.constantFrom("", " ", "\n\t ");
  const inside = fc.constantFrom(
    (json: string) => json,
    (json: string) => `[1, ${json}]`,
    (json: string) => `{"deep": {"er": ${json}}}`,
  );
  fc.assert(
    fc.property(
      fc.string(),
      fc.jsonValue({ maxDepth: 3 }),
      spellings,
      spellings,
      space,
      inside,
      (key, value, a, b, gap, wrap) => {
        const text = JSON.stringify(value);
        const repeated = wrap(`{${a(key)}${gap}:${gap}${text},${gap}${b(key)}${gap}:${text}}`);
        JSON.parse(repeated);
        assert.match(jsonProblem(repeated) ?? "", TWICE);
      },
    ),
  );
});

test("the same key in different objects, and as a value, is none", () => {
  assert.equal(jsonProblem('{"a":{"a":["a","a",{"a":"a:"}]},"b":{"a":"\\"a\\":"}}'), null);
});

test("depth counts brackets outside of strings", () => {
  const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  assert.equal(jsonProblem(nested(64)), null);
  assert.match(jsonProblem(nested(65)) ?? "", /deep/);
  assert.equal(jsonProblem(JSON.stringify({ text: nested(1_000) })), null);
  assert.equal(jsonProblem(JSON.stringify(Array.from({ length: 1_000 }, () => [[]]))), null);
});

test("hostile texts take no longer than harmless ones", () => {
  const size = 2_000_000;
  for (const text of [
    '"'.repeat(size),
    "\\".repeat(size),
    '"\\'.repeat(size / 2),
    '{"a":'.repeat(size / 5),
    " ".repeat(size),
  ]) {
    jsonProblem(text);
    jsonProblem(`"${text}`);
  }
});

function escaped(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
