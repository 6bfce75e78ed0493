import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { processorTime } from "../../test/support/processor-time.ts";
import { fingerprint } from "./fingerprint.ts";

suite("fingerprint", () => {
  const same: [string, string, string][] = [
    ["colours", "\x1b[31merror\x1b[0m: x", "error: x"],
    ["ISO timestamps", "2025-11-21T03:26:11.123Z failed", "2026-01-02 04:05:06 failed"],
    ["ISO timestamps with zones", "at 2025-11-21T03:26:11+01:00", "at 2025-12-21 03:26"],
    ["written dates", "Fri, 21 Nov 2025 03:26:11 GMT x", "Sat, 22 Nov 2025 13:00:01 GMT x"],
    ["syslog dates", "Nov 21 03:26:11 host", "Dec 1 13:26:11 host"],
    ["clock times", "[03:26:11] x", "[13:26:12.5] x"],
    ["epochs", "seed 1760000000", "seed 1760000001234"],
    ["durations", "failed in 1.23s", "failed in 456 ms"],
    ["composed durations", "took 1m 2.5s", "took 3s"],
    ["memory addresses", "<Foo at 0x7f3a12>", "<Foo at 0xdeadbeef12>"],
    ["ports", "connect ECONNREFUSED 127.0.0.1:43121", "connect ECONNREFUSED 127.0.0.1:5000"],
    ["named ports", "http://localhost:43121/x", "http://localhost:5000/x"],
    ["temp paths", "open '/tmp/abc-123/x.js'", "open '/tmp/xyz/y/x.js'"],
    ["temp paths of macOS", "/private/var/folders/ab/cd12/T/x failed", "/var/folders/zz/T/y failed"],
    [
      "temp paths of Windows",
      "C:\\Users\\me\\AppData\\Local\\Temp\\a1 x",
      "C:\\Users\\you\\AppData\\Local\\Temp\\b2 x",
    ],
    ["uuids", "run 0190a7a2-7d4c-7e1f-9f2a-0123456789ab", "run 11111111-2222-4333-8444-555555555555"],
    ["white space", "a\n  b", "a b "],
  ];
  for (const [name, one, other] of same) {
    test(`${name} do not tell errors apart`, () => assert.equal(fingerprint(one), fingerprint(other)));
  }

  const different: [string, string][] = [
    ["expected 3 to be 4", "expected 3 to be 5"],
    ["src/a.ts:10 failed", "src/a.ts:11 failed"],
    ["TypeError: x", "RangeError: x"],
    ["5 tests failed", "6 tests failed"],
    ["v1.2.3 missing", "v1.2.4 missing"],
  ];
  for (const [one, other] of different) {
    test(`${one} is not ${other}`, () => assert.notEqual(fingerprint(one), fingerprint(other)));
  }

  test("takes any text", () => {
    const part = fc.oneof(fc.string(), fc.constantFrom("12:00:00", " 3 s", "/tmp/", "0x1f", "1.2.3.4:5", "\x1b["));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const result = fingerprint(parts.join(""));
        assert.equal(result, result.trim());
      }),
    );
  });

  for (const unit of ["1", "1.", "1:", "a-", "/tmp/", "C:\\a\\", " ", "\x1b", "Jan ", "0x", "1s ", "[::", "\\Temp"]) {
    test(`cost grows with the length of ${JSON.stringify(unit)} repeated`, () => {
      const base = processorTime(() => fingerprint(unit.repeat(20_000 / unit.length)));
      // A quadratic pattern would take a hundred times as long; the constant forgives a collection of garbage.
      assert.ok(processorTime(() => fingerprint(unit.repeat(200_000 / unit.length))) < 40 * base + 50);
    });
  }
});
