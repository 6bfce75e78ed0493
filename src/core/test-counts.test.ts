import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseTestCounts, ranNoTests } from "./test-counts.ts";

/** runner, total, passed, failed, skipped. */
type Expected = [string, number, number, number, number];

const OUTPUTS: [string, string, Expected][] = [
  ["node:test spec", nodeTest("ℹ", [5, 1, 2, 1, 0, 1, 0]), ["node:test", 5, 2, 1, 1]],
  ["node:test TAP", `1..3\n${nodeTest("#", [3, 0, 1, 0, 1, 0, 1])}`, ["node:test", 3, 1, 1, 1]],
  [
    "node:test twice",
    `${nodeTest("ℹ", [1, 0, 1, 0, 0, 0, 0])}\n${nodeTest("ℹ", [2, 0, 2, 0, 0, 0, 0])}`,
    ["node:test", 3, 3, 0, 0],
  ],
  ["node:test nothing", nodeTest("ℹ", [0, 0, 0, 0, 0, 0, 0]), ["node:test", 0, 0, 0, 0]],
  [
    "jest",
    "Test Suites: 1 failed, 1 total\nTests:       1 failed, 1 skipped, 2 todo, 3 passed, 7 total",
    ["jest", 7, 3, 1, 3],
  ],
  ["jest nothing", "No tests found, exiting with code 0", ["jest", 0, 0, 0, 0]],
  ["vitest", " Test Files  1 passed (1)\n      Tests  1 failed | 2 passed | 1 skipped (4)", ["vitest", 4, 2, 1, 1]],
  [
    "vitest coloured",
    "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m3 passed\x1b[39m\x1b[22m\x1b[90m (3)\x1b[39m",
    ["vitest", 3, 3, 0, 0],
  ],
  ["vitest nothing", "\nNo test files found, exiting with code 1\n", ["vitest", 0, 0, 0, 0]],
  ["mocha", "  3 passing (12ms)\n  1 pending\n  2 failing\n\n  1) x", ["mocha", 6, 3, 2, 1]],
  ["mocha nothing", "\n  0 passing (1ms)\n", ["mocha", 0, 0, 0, 0]],
  ["pytest", "==== 1 failed, 3 passed, 2 skipped, 1 warning in 0.12s ====", ["pytest", 6, 3, 1, 2]],
  ["pytest -q", "..\n2 passed in 0.01s\n", ["pytest", 2, 2, 0, 0]],
  ["pytest error", "=== 1 error in 0.05s ===", ["pytest", 1, 0, 1, 0]],
  ["pytest nothing", "=== no tests ran in 0.00s ===", ["pytest", 0, 0, 0, 0]],
  ["pytest deselected", "=== 3 deselected in 0.01s ===", ["pytest", 0, 0, 0, 0]],
  ["unittest", "Ran 5 tests in 0.001s\n\nFAILED (failures=1, errors=1, skipped=1)", ["unittest", 5, 2, 2, 1]],
  ["unittest nothing", "Ran 0 tests in 0.000s\n\nNO TESTS RAN", ["unittest", 0, 0, 0, 0]],
  [
    "go -v",
    "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/x (0s)\n--- SKIP: TestB (0.00s)\nok  \tm\t0.1s",
    ["go test", 2, 1, 0, 1],
  ],
  [
    "go nothing",
    "?   \texample.com/m\t[no test files]\nok  \texample.com/n\t0.1s [no tests to run]\n",
    ["go test", 0, 0, 0, 0],
  ],
  [
    "cargo",
    "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n" +
      "test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s",
    ["cargo test", 6, 3, 2, 1],
  ],
  [
    "cargo nothing",
    "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured",
    ["cargo test", 0, 0, 0, 0],
  ],
  ["rspec", "Finished in 0.01 seconds\n3 examples, 1 failure, 1 pending", ["rspec", 3, 1, 1, 1]],
  ["rspec nothing", "No examples found.\n\n0 examples, 0 failures", ["rspec", 0, 0, 0, 0]],
  ["phpunit ok", "OK (3 tests, 5 assertions)", ["phpunit", 3, 3, 0, 0]],
  ["phpunit", "FAILURES!\nTests: 4, Assertions: 5, Failures: 1, Skipped: 1.", ["phpunit", 4, 2, 1, 1]],
  ["phpunit nothing", "No tests executed!", ["phpunit", 0, 0, 0, 0]],
  ["CRLF", "OK (3 tests, 5 assertions)\r\n", ["phpunit", 3, 3, 0, 0]],
];

suite("test counts", () => {
  for (const [name, output, [runner, total, passed, failed, skipped]] of OUTPUTS) {
    test(name, () => assert.deepEqual(parseTestCounts(output), { runner, total, passed, failed, skipped }));
  }

  for (const output of ["", "ok", "ok  \texample.com/m\t0.1s", "Tests are fine", "3 passed the door in 5 steps"]) {
    test(`no runner in ${JSON.stringify(output)}`, () => assert.equal(parseTestCounts(output), null));
  }

  test("what was only skipped did not run", () => {
    const counts = { runner: "jest", total: 2, passed: 0, failed: 0, skipped: 2 };
    assert.ok(ranNoTests(counts));
    assert.ok(!ranNoTests({ ...counts, total: 3, passed: 1 }));
    assert.ok(!ranNoTests({ ...counts, skipped: null }));
  });

  test("never throws, and counts are whole numbers", () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom("ℹ tests 3\n", "1 passed", "Tests: ", " in 0.1s", "\n", "--- PASS: "),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const counts = parseTestCounts(parts.join(""));
        assert.ok(counts === null || Number.isInteger(counts.total));
      }),
    );
  });
});

function nodeTest(mark: string, counts: number[]): string {
  const names = ["tests", "suites", "pass", "fail", "cancelled", "skipped", "todo"];
  return [...names.map((name, index) => `${mark} ${name} ${counts[index]}`), `${mark} duration_ms 12.5`].join("\n");
}
