import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { TextEnd } from "./text-end.ts";

test("the end is the same however the text is cut, whole characters, and no longer than wanted", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme", maxLength: 30 })),
      fc.integer({ min: 8, max: 40 }),
      (parts, max) => {
        const whole = parts.join("");
        const end = new TextEnd(max);
        for (const byte of Buffer.from(whole)) end.add(Buffer.from([byte]));
        const once = new TextEnd(max);
        once.add(Buffer.from(whole));
        const { text, truncated } = end.toText();
        assert.deepEqual(once.toText(), { text, truncated });
        assert.ok(whole.endsWith(text));
        assert.ok(Buffer.byteLength(text) <= max);
        assert.equal(truncated, text !== whole);
        // Of what is left out because of a character's middle, three bytes are the most.
        if (truncated) assert.ok(Buffer.byteLength(text) > max - 4);
      },
    ),
  );
});
