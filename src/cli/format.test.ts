import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, clockTime, count, elapsed, inline, labelText, money, shellWord, table } from "./format.ts";

test("times are as exact as a person wants them", () => {
  const shown = [0, 840, 9_960, 42_000, 59_700, 185_000, 3_599_900, 7_500_000].map(elapsed);
  assert.deepEqual(shown, ["0.0s", "0.8s", "10.0s", "42s", "1m00s", "3m05s", "1h00m", "2h05m"]);
});

test("small amounts keep their cents' cents", () => {
  assert.deepEqual([0, 0.0123, 0.5, 12].map(money), ["$0.00", "$0.0123", "$0.50", "$12.00"]);
});

test("a clock time names the day when that is another", () => {
  const noon = new Date(2026, 0, 31, 12, 0, 0).getTime();
  assert.equal(clockTime(noon, noon + 60_000), "12:00:00");
  assert.equal(clockTime(noon, noon + 24 * 3_600_000), "2026-01-31 12:00:00");
});

test("text from outside becomes one harmless line", () => {
  assert.equal(inline(" a\n  b\u001b[31mc\u001b[0m\u0007 "), "a bc\\x07");
});

test("words are quoted for a shell only where they need it", () => {
  assert.equal(shellWord("makima/a-b/c"), "makima/a-b/c");
  assert.equal(shellWord("it's"), `'it'\\''s'`);
});

test("counts and tables", () => {
  assert.deepEqual([count(1, "file"), count(2, "file")], ["1 file", "2 files"]);
  assert.deepEqual(
    table([
      ["A", "LONG"],
      ["bbb", "c"],
    ]),
    ["A    LONG", "bbb  c"],
  );
});

test("columns stay in line below characters of any width", () => {
  const rows = [
    ["NAME", "COST"],
    ["修复解析器", "$1"],
    ["cafe\u0301", "$2"],
    ["🚀 go", "$3"],
  ];
  assert.deepEqual(table(rows), ["NAME        COST", "修复解析器  $1", "cafe\u0301        $2", "🚀 go       $3"]);
});

test("long text is cut, and labels are written as they are given", () => {
  assert.equal(brief("one\ntwo three", 8), "one two…");
  assert.equal(brief("one", 8), "one");
  assert.equal(labelText({ gpu: "yes", os: "linux" }), "gpu=yes os=linux");
});
