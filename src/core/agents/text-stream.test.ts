import assert from "node:assert/strict";
import { it } from "node:test";
import { TextStream } from "./text-stream.ts";

it("a plain-text agent's chunks are the main agent's text, with characters kept whole", () => {
  const stream = new TextStream();
  const bytes = Buffer.from("a€b");
  assert.deepEqual(stream.push(bytes.subarray(0, 2)), [{ type: "text", text: "a", main: true }]);
  assert.deepEqual(stream.push(bytes.subarray(2, 3)), []);
  assert.deepEqual(stream.push(bytes.subarray(3)), [{ type: "text", text: "€b", main: true }]);
  assert.deepEqual(stream.end(), []);
});

it("what is left of a broken character is shown at the end", () => {
  const stream = new TextStream();
  assert.deepEqual(stream.push(Buffer.from([0xe2])), []);
  assert.deepEqual(stream.end(), [{ type: "text", text: "\uFFFD", main: true }]);
});
