import { stripAnsi } from "./text.ts";

/** What a test runner says of its run. `total` counts every test it found, skipped ones too; null: not said. */
export interface TestCounts {
  runner: string;
  total: number;
  passed: number | null;
  failed: number | null;
  skipped: number | null;
}

/**
 * Finds the summary of a test runner in the end of a check's output: node:test, jest, vitest, mocha, pytest, unittest,
 * go test, cargo test, rspec, phpunit. Several summaries of one runner (workspaces, crates) are added up. null when no
 * runner is recognised, or it does not say how many tests it ran. Linear.
 */
export function parseTestCounts(tail: string): TestCounts | null {
  const text = stripAnsi(tail).replaceAll("\r", "");
  for (const format of FORMATS) {
    const counts = readSummaries(format, text);
    if (counts !== null) return counts;
  }
  return readGo(text);
}

/** A recognised runner that ran nothing proves nothing, also when it found tests and skipped them all. */
export function ranNoTests(counts: TestCounts): boolean {
  return counts.total - (counts.skipped ?? 0) <= 0;
}

/** How a runner words its summary: numbers with names, of which some are added up to each count. */
interface Format {
  runner: string;
  /** Matches each summary. Anchored at lines, every repetition bounded or unable to fail late: that keeps it linear. */
  summary: RegExp;
  /** `3 passed` or `Tests: 3`. */
  order: "number-name" | "name-number";
  /** Without it, the total is the sum of the other three. */
  total?: readonly string[];
  /** Without it, what neither failed nor was skipped. */
  passed?: readonly string[];
  failed: readonly string[];
  skipped: readonly string[];
  /** What it prints instead of a summary when it found no test. */
  nothing?: RegExp;
}

const FORMATS: readonly Format[] = [
  {
    // The `spec` reporter marks its lines with an i, TAP with a hash.
    runner: "node:test",
    summary: /^[ℹ#] tests \d{1,9}(?:\n[ℹ#] \w{1,20} [\d.]{1,20})*/gm,
    order: "name-number",
    total: ["tests"],
    passed: ["pass"],
    failed: ["fail", "cancelled"],
    skipped: ["skipped", "todo"],
  },
  {
    runner: "vitest",
    summary: /^ {0,20}Tests {2}(?:\d{1,9} \w{1,10}(?: \| | )){1,6}\(\d/gm,
    order: "number-name",
    passed: ["passed"],
    failed: ["failed"],
    skipped: ["skipped", "todo"],
    nothing: /^(?:No test files found| {0,20}Tests {2}no tests)/m,
  },
  {
    runner: "jest",
    summary: /^Tests: {1,20}(?:\d{1,9} \w{1,10}, ){0,6}\d{1,9} total/gm,
    order: "number-name",
    total: ["total"],
    passed: ["passed"],
    failed: ["failed"],
    skipped: ["skipped", "todo"],
    nothing: /^No tests found/m,
  },
  {
    runner: "mocha",
    summary: /^ {0,20}\d{1,9} passing\b.{0,40}(?:\n {0,20}\d{1,9} (?:pending|failing)\b)*/gm,
    order: "number-name",
    passed: ["passing"],
    failed: ["failing"],
    skipped: ["pending"],
    nothing: /^Error: No test files found/m,
  },
  {
    runner: "pytest",
    summary:
      /^(?:={1,200} )?(?:\d{1,9} (?:passed|failed|errors?|skipped|x\w{5,6}|deselected|warnings?),? ){1,9}in \d/gm,
    order: "number-name",
    passed: ["passed", "xpassed"],
    failed: ["failed", "error", "errors"],
    skipped: ["skipped", "xfailed"],
    nothing: /^(?:={1,200} )?no tests (?:ran|collected) in \d/m,
  },
  {
    runner: "unittest",
    summary: /^Ran \d{1,9} tests? in .{1,20}(?:\n{1,2}(?:OK|FAILED) \(.{1,100}\))?/gm,
    order: "name-number",
    total: ["Ran"],
    failed: ["failures", "errors"],
    skipped: ["skipped"],
    nothing: /^NO TESTS RAN/m,
  },
  {
    runner: "cargo test",
    summary: /^test result: \w{1,10}\. (?:\d{1,9} \w{1,10}(?: out)?;? ?){1,6}/gm,
    order: "number-name",
    passed: ["passed"],
    failed: ["failed"],
    skipped: ["ignored"],
  },
  {
    runner: "rspec",
    summary: /^\d{1,9} examples?, \d{1,9} failures?(?:, \d{1,9} pending)?/gm,
    order: "number-name",
    total: ["example", "examples"],
    failed: ["failure", "failures"],
    skipped: ["pending"],
    nothing: /^No examples found/m,
  },
  {
    runner: "phpunit",
    summary: /^OK \(\d{1,9} tests?, /gm,
    order: "number-name",
    total: ["test", "tests"],
    failed: [],
    skipped: [],
    nothing: /^No tests executed!/m,
  },
  {
    runner: "phpunit",
    summary: /^Tests: \d{1,9}, Assertions: \d{1,9}(?:, [A-Z]\w{1,20}(?: \w{1,20})?: \d{1,9})*\./gm,
    order: "name-number",
    total: ["Tests"],
    failed: ["Failures", "Errors"],
    skipped: ["Skipped", "Incomplete"],
  },
];

function readSummaries(format: Format, text: string): TestCounts | null {
  const summaries = text.match(format.summary) ?? [];
  if (summaries.length === 0) {
    if (format.nothing === undefined || !format.nothing.test(text)) return null;
    return { runner: format.runner, total: 0, passed: 0, failed: 0, skipped: 0 };
  }
  const pattern =
    format.order === "number-name" ? /(?<number>\d+) (?<name>\w+)/g : /(?<name>\w+)[ :=]{1,2}(?<number>\d+)/g;
  const pairs = summaries.flatMap((summary) => Array.from(summary.matchAll(pattern), ({ groups }) => groups));
  const sum = (names: readonly string[]): number =>
    pairs.reduce((total, pair) => total + (names.includes(pair?.["name"] ?? "") ? Number(pair?.["number"]) : 0), 0);
  const failed = sum(format.failed);
  const skipped = sum(format.skipped);
  const total = format.total === undefined ? sum(format.passed ?? []) + failed + skipped : sum(format.total);
  const passed = format.passed === undefined ? Math.max(0, total - failed - skipped) : sum(format.passed);
  return { runner: format.runner, total, passed, failed, skipped };
}

/** go test counts only with -v. Without it, a package says no more than that it has no tests, or that it is ok. */
function readGo(text: string): TestCounts | null {
  const results = text.match(/^--- (?:PASS|FAIL|SKIP): /gm) ?? [];
  const count = (word: string): number => results.filter((result) => result.includes(word)).length;
  const counts = { total: results.length, passed: count("PASS"), failed: count("FAIL"), skipped: count("SKIP") };
  if (results.length > 0) return { runner: "go test", ...counts };
  const packages = text.match(/^(?:\?|ok|FAIL|---)? {0,3}\t.{1,300}$/gm) ?? [];
  const empty = packages.length > 0 && packages.every((line) => /\[no (?:test files|tests to run)\]/.test(line));
  return empty ? { runner: "go test", ...counts } : null;
}
