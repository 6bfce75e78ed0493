import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineSplitter } from "./lines.ts";

const LIMIT = 40;
const KEPT = 5;

describe("LineSplitter", () => {
  it("gives the same lines however the bytes are cut", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\n", "\r", "ü", "€", "😀"), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(80), { maxLength: 6 }), (input, cuts) => {
        const expected = input.split("\n").map((line) => ({ text: line, truncated: false }));
        if (expected.at(-1)?.text === "") expected.pop();
        assert.deepEqual(linesOf(new LineSplitter(1000, KEPT), chunksOf(Buffer.from(input), cuts)), expected);
      }),
    );
  });

  it("holds no more than the limit of a line, wherever it is cut", () => {
    const long = "x".repeat(LIMIT + 1);
    const bytes = Buffer.from(`before\n${long}${long}\nafter\n${long}`);
    const cut = { text: "xxxxx", truncated: true };
    const expected = [{ text: "before", truncated: false }, cut, { text: "after", truncated: false }, cut];
    for (let size = 1; size <= bytes.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      assert.deepEqual(linesOf(new LineSplitter(LIMIT, KEPT), chunks), expected);
    }
  });

  it("gives out a line that is too long before it ends", () => {
    const lines = new LineSplitter(LIMIT, KEPT);
    assert.deepEqual(lines.push(Buffer.alloc(LIMIT, "y")), []);
    assert.deepEqual(lines.push(Buffer.from("y")), [{ text: "yyyyy", truncated: true }]);
    assert.deepEqual(lines.push(Buffer.alloc(LIMIT, "y")), []);
    assert.deepEqual(lines.end(), []);
  });

  it("replaces invalid UTF-8", () => {
    const lines = new LineSplitter(LIMIT, KEPT);
    assert.deepEqual(lines.push(Buffer.from([0x61, 0xff, 0x0a])), [{ text: "a\uFFFD", truncated: false }]);
    assert.deepEqual(lines.push(Buffer.from([0xe2, 0x82])), []);
    assert.deepEqual(lines.end(), [{ text: "\uFFFD", truncated: false }]);
  });
});

function linesOf(splitter: LineSplitter, chunks: Uint8Array[]) {
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

function chunksOf(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}
