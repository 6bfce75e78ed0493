import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { contractReport } from "./contract-report.ts";
import type { ContractReportFacts, ReportedTask } from "./contract-report.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 2, 3, 4);

const task: ReportedTask = {
  name: "Mend it",
  role: "worker",
  status: "completed",
  reason: "every check passes",
  iterations: 2,
  costUsd: 1.5,
  branch: "makima/mend/mend-it-deadbeef",
  diffStat: "1 file changed",
  verification: "verified",
  merge: "merged",
};

const facts: ContractReportFacts = {
  name: "Mend the parser",
  goal: "# Make it work\n\n```sh\nnpm test\n```",
  type: "simple",
  phase: "execute",
  goals: [
    { text: "Be right", done: true },
    { text: "Be fast", done: false },
  ],
  completionAction: "branch",
  integrationBranch: "makima/mend/integration-deadbeef",
  costUsd: 2,
  createdAt: START,
  endedAt: START + 125 * MINUTE,
  tasks: [
    { ...task, name: "Lead", role: "supervisor", iterations: 1, diffStat: null, verification: null, merge: null },
    task,
  ],
  reports: [{ task: "Mend it", text: "Half *done*\n# really", at: START }],
  questions: [{ task: "Mend it", text: "Which one?", answer: null }],
  files: ["plan"],
};

test("the report says what was done, by whom, and what it cost", () => {
  assert.equal(
    contractReport(facts),
    `# Mend the parser

- Began: 2026-01-02 03:04 UTC
- Ended: 2026-01-02 05:09 UTC, after 2 h 5 min
- Tasks: 1, of which completed: 1
- Cost: $2.00
- Merged into: makima/mend/integration-deadbeef

## Goal

\`\`\`\`text
# Make it work

\`\`\`sh
npm test
\`\`\`
\`\`\`\`

## Checklist

- [x] Be right
- [ ] Be fast

## Phases

- plan: over, plan
- execute: where it ended

## Tasks

- **Lead** (supervisor): completed, 1 iteration, $1.50
  - Reason: every check passes
- **Mend it**: completed, 2 iterations, $1.50, verified, merge: merged
  - Reason: every check passes
  - Changes: 1 file changed
  - Branch: makima/mend/mend-it-deadbeef

## Questions

- **Mend it**: Which one?
  - Not answered

## Reports

- 2026-01-02 03:04 UTC, **Mend it**: Half \\*done\\* \\# really
`,
  );
});

test("what there is nothing of has no heading", () => {
  const bare = { ...facts, goals: [], tasks: [], reports: [], questions: [], files: [] };
  const text = contractReport({ ...bare, completionAction: "none", endedAt: START + 1_500 });
  assert.deepEqual(text.match(/^## .*$/gm), ["## Goal", "## Phases"]);
  assert.match(text, /after 1 s\n/);
  assert.match(text, /- plan: over, plan \(not written\)\n/);
  assert.doesNotMatch(text, /Merged into/);
});

const markdown = fc.constantFrom(
  "# ",
  "\n# ",
  "- ",
  "1. ",
  "1) ",
  "`",
  "```\n",
  "~~~",
  "[a](b)",
  "<script>",
  "| ",
  "**",
  "===\n",
  "\u001b[31m",
);
const words = fc
  .array(fc.oneof(markdown, fc.string({ unit: "binary", maxLength: 20 })), { maxLength: 20 })
  .map((all) => all.join(""));

/** What starts each line outside of the goal's block. */
const OURS =
  /^(# |## (Goal|Checklist|Phases|Tasks|Questions|Reports)$|- (Began|Ended|Tasks|Cost|Merged into): |- \[[ x]\] |- (plan|execute): |- \*\*|- \d{4}-\d\d-\d\d |  - (Reason|Changes|Branch|Answer): |  - Not answered$|$)/;

test("nothing that an agent writes makes structure of its own", () => {
  fc.assert(
    fc.property(words, words, words, (name, text, other) => {
      const report = contractReport({
        ...facts,
        name,
        goal: text,
        goals: [{ text, done: false }],
        tasks: [{ ...task, name, reason: text, branch: other, diffStat: other }],
        reports: [{ task: name, text, at: START }],
        questions: [{ task: name, text, answer: other }],
      });
      const [before = "", rest = ""] = report.split("## Goal\n\n");
      const fence = /^`+/.exec(rest)?.[0] ?? "";
      const end = rest.indexOf(`\n${fence}\n`, fence.length);
      assert.ok(fence.length >= 3 && end > 0);
      assert.ok(!rest.slice(fence.length, end).includes(fence));
      const outside = `${before}${rest.slice(end + fence.length + 2)}`;
      for (const line of outside.split("\n")) assert.match(line, OURS);
      assert.doesNotMatch(outside, /(?<!\\)[<|`[](?![ x]\] )/);
      assert.ok(report.isWellFormed());
    }),
  );
});

test("a report stays below a megabyte, whatever there is to report", () => {
  const long = "`".repeat(30_000);
  const many = <T>(one: T) => Array.from({ length: 1_000 }, () => one);
  const text = contractReport({
    ...facts,
    goal: "\u0007".repeat(1_000_000),
    goals: many({ text: long, done: true }),
    tasks: many({ ...task, name: long, reason: long, branch: long, diffStat: long }),
    reports: many({ task: long, text: long, at: START }),
    questions: many({ task: long, text: long, answer: long }),
  });
  assert.ok(text.length < 1_000_000, `${text.length}`);
  assert.match(text, /^- and 900 more$/m);
});
