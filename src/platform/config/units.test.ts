import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "./units.ts";

test("durations", () => {
  const cases = { "15m": 900_000, "1h30m": 5_400_000, "250ms": 250, "1m5ms": 60_005, "2d": 172_800_000, "0s": 0 };
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text);
  for (const text of ["", "15", "m", "1.5h", "-1s", "5m1h", "1 h", "9".repeat(30) + "d"]) {
    assert.equal(parseDuration(text), null, text);
  }
});

test("what is formatted is parsed back to the same", () => {
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), (ms) => parseDuration(formatDuration(ms)) === ms));
});
