import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskDetail } from "../../protocol/api.ts";
import type { CheckReport } from "../../protocol/run-events.ts";
import { runDocument } from "./document.ts";
import { summaryLines } from "./summary.ts";

const plain = (_format: unknown, text: string) => text;

const CHECK: CheckReport = {
  name: "npm test",
  command: "npm test",
  commandHash: "00",
  passed: true,
  exitCode: 0,
  timedOut: false,
  durationMs: 1_200,
  tests: { runner: "node", total: 12, passed: 12, failed: 0, skipped: 0 },
  stream: "iterations/0001/checks/01/out",
  baseline: false,
  failure: null,
  flags: [],
};

const DONE: TaskDetail = {
  contract: {
    id: "c1",
    name: "Fix it",
    status: "completed",
    type: "simple",
    phase: "execute",
    driver: "task",
    goal: "Fix it",
    goals: [],
    repositories: [],
    integrationBranch: "makima/fix-it/integration-c1",
    completionAction: "none",
    autonomousLoop: true,
    checks: [],
    budgetUsd: null,
    costUsd: 0.25,
    maxParallel: null,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  },
  task: {
    id: "01a1fc4d-3b8a-70c9-89ae-9ac6e727adf1",
    contractId: "c1",
    name: "Fix it",
    role: "worker",
    parentId: null,
    status: "completed",
    unreachable: false,
    reason: "The agent is ready and every check passed",
    agent: "claude",
    repository: "/r",
    branch: "makima/fix-it/fix-it-e727adf1",
    base: "91c079d6320314bb9db4f6686cb2053219cce547",
    merge: null,
    after: [],
    labels: {},
    head: "226fff3fe20cf4e63aee2e14c73af3561dd275e2",
    runId: "r1",
    daemonId: "d1",
    iterations: 1,
    costUsd: 0.25,
    waitUntil: null,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  },
  iterations: [
    {
      index: 1,
      sessionId: "s1",
      gate: { ready: true, reason: null, progress: "did", blockers: [], extra: {} },
      changed: true,
      error: null,
      verdict: "done",
      reason: "fine",
      refused: false,
      costUsd: 0.25,
      durationMs: 65_000,
      startedAt: 0,
    },
  ],
  verification: "verified",
  checks: [CHECK],
  tampering: [],
  costUsd: 0.25,
  worktree: "/w",
  sandbox: null,
  branchKept: true,
  diffStat: { files: 2, insertions: 10, deletions: 3, text: "" },
  errorCode: null,
  hint: null,
  cursor: 9,
};

test("a task that is done says what proves it, what it cost and what to type next", () => {
  assert.deepEqual(summaryLines(DONE, plain), [
    "",
    "Done: The agent is ready and every check passed",
    "  proof      verified: a check that failed before the work passes now",
    "  checks     ✔ npm test (1.2s, 12 tests) [failed before]",
    "  work       1 iteration, $0.25, 1m05s",
    "  branch     makima/fix-it/fix-it-e727adf1 (2 files, +10 -3)",
    "  checkout   /w",
    "",
    "Next:",
    "  git diff 91c079d63203...makima/fix-it/fix-it-e727adf1",
    "  git merge makima/fix-it/fix-it-e727adf1",
    "  makima logs e727adf1",
  ]);
});

test("what was not proved is said plainly", () => {
  const text = (verification: TaskDetail["verification"]) => summaryLines({ ...DONE, verification }, plain).join("\n");
  assert.match(text("unverified"), /unverified: there were no checks/);
  const tampering: TaskDetail["tampering"] = [{ kind: "test-deleted", path: "a.test.js", detail: "test file deleted" }];
  const weakened = summaryLines({ ...DONE, verification: "unverified", tampering }, plain).join("\n");
  assert.match(weakened, /unverified: what the checks lean on was changed/);
  assert.match(text("regression-only"), /regression-only: .* no progress/);
});

test("tampering is shown, and text from the agent cannot drive the terminal", () => {
  const tampering: TaskDetail["tampering"] = [{ kind: "test-skipped", path: "a\u001b[2J.test.js", detail: "2 tests" }];
  const lines = summaryLines({ ...DONE, tampering }, plain);
  assert.ok(lines.includes("  tampering  test-skipped a.test.js: 2 tests"));
});

test("a task that failed claims nothing, and shows how to go on", () => {
  const check = { ...CHECK, passed: false, exitCode: 1 };
  const task = { ...DONE.task, status: "failed" as const, reason: "Maximum iterations (10) reached" };
  const lines = summaryLines({ ...DONE, task, checks: [check], verification: "unverified" }, plain);
  assert.equal(lines[1], "Failed: Maximum iterations (10) reached");
  assert.ok(lines.includes("  checks     ✘ npm test: exit 1 (1.2s, 12 tests) [failed before]"));
  assert.ok(!lines.join("\n").includes("unverified"));
  assert.ok(lines.includes("  makima resume e727adf1"));
  assert.ok(!lines.some((line) => line.includes("git merge")));
});

test("the JSON document has the promised fields and no others", () => {
  assert.deepEqual(runDocument(DONE), {
    contract: { id: "c1", name: "Fix it", status: "completed" },
    task: {
      id: DONE.task.id,
      name: "Fix it",
      status: "completed",
      branch: DONE.task.branch,
      base: DONE.task.base,
      head: DONE.task.head,
      reason: DONE.task.reason,
    },
    iterations: [
      {
        index: 1,
        sessionId: "s1",
        gate: { ready: true, reason: null, progress: "did", blockers: [], extra: {} },
        changed: true,
        error: null,
        verdict: "done",
        costUsd: 0.25,
        durationMs: 65_000,
      },
    ],
    verification: "verified",
    checks: [{ command: "npm test", passed: true, exitCode: 0, baseline: false }],
    tampering: [],
    costUsd: 0.25,
    worktree: "/w",
  });
  assert.equal(runDocument({ ...DONE, branchKept: false }).task.branch, null);
});
