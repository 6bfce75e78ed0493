import assert from "node:assert/strict";
import { TaskDetail } from "../../protocol/entities.ts";
import type { CheckReport, RunEvent, TamperingReport } from "../../protocol/run-events.ts";
import { taskDetail } from "../tasks/detail.ts";
import { resumeTask } from "../tasks/resume.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { newRun, nextRun, say } from "../testing/run.ts";

function check(fields: Partial<CheckReport>): CheckReport {
  const outcome = { passed: false, exitCode: 1, timedOut: false, durationMs: 5, tests: null, failure: null, flags: [] };
  const fixed = { name: "tests", command: "npm test", commandHash: "00", stream: "baseline/01/out", baseline: false };
  return { ...fixed, ...outcome, ...fields };
}

const gate = { ready: true, reason: "done", progress: "all", blockers: [], extra: {} };
const flag: TamperingReport = { kind: "test-deleted", path: "a.test.js", detail: "deleted" };

onEveryEngine("a run's events become what the task's page shows", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const detail = async (...events: RunEvent[]) => {
    await say(store, run, ...events);
    return TaskDetail.parse(await taskDetail(store.db, run.taskId));
  };

  assert.equal((await detail()).task.status, "starting");
  const place = { worktree: "/w", base: "b", head: "h0", tree: "t" };
  const checkout: RunEvent = { type: "checkout", at: 1, ...place, excluded: 0, checks: [] };
  const prepared = await detail(started, checkout, { type: "baseline", at: 1, checks: [check({})] });
  assert.deepEqual([prepared.task.status, prepared.task.head, prepared.worktree], ["running", "h0", "/w"]);
  assert.deepEqual(prepared.checks, [check({})]);
  assert.equal(prepared.task.base, "b");

  const refused = verdict(1, { gate, refused: true, tampering: [flag] });
  const lint = check({ name: "lint", passed: true });
  const first = await detail(
    iterationStarted(1),
    { type: "gate", at: 2, index: 1, gate },
    { type: "check", at: 2, index: 1, check: check({ durationMs: 9 }) },
    { type: "check", at: 2, index: 1, check: lint },
    refused,
  );
  assert.deepEqual(first.checks, [check({ durationMs: 9 }), lint]);
  assert.deepEqual([first.task.iterations, first.costUsd, first.task.head], [1, 0.5, "head-1"]);
  assert.deepEqual([first.iterations[0]?.refused, first.iterations[0]?.gate], [true, gate]);

  const waiting = await detail(
    iterationStarted(2),
    verdict(2, { verdict: "wait", uncounted: true, costUsd: 0.25, tampering: [{ ...flag, detail: "emptied first" }] }),
    { type: "waiting", at: 3, kind: "usage-limit", until: 99, reason: "usage limit" },
  );
  assert.deepEqual([waiting.task.status, waiting.task.waitUntil, waiting.task.reason], ["waiting", 99, "usage limit"]);
  assert.deepEqual([waiting.task.iterations, waiting.costUsd], [1, 0.75]);
  assert.deepEqual(waiting.tampering, [{ ...flag, detail: "emptied first" }]);

  const receipt = { type: "verified", at: 4, index: 3, verification: "verified", tree: "t", head: "h3" } as const;
  const done = await detail(
    iterationStarted(3),
    { ...receipt, checks: [lint] },
    verdict(3, { verdict: "done" }),
    finished(),
  );
  assert.deepEqual([done.task.status, done.task.waitUntil, done.contract.status], ["completed", null, "completed"]);
  assert.deepEqual(
    [done.verification, done.checks, done.branchKept, done.diffStat?.files],
    ["verified", [lint], true, 1],
  );
  assert.deepEqual(
    done.iterations.map((iteration) => iteration.verdict),
    ["continue", "wait", "done"],
  );
});

onEveryEngine("a checkpoint is named by its iteration, and a later run's takes its place", async (database) => {
  await using store = await database.open();
  const ref = "refs/makima/checkpoints/t/1";
  const checkpoint = (commit: string): RunEvent => ({ type: "checkpoint", at: 2, index: 1, ref, commit });
  const first = await newRun(store);
  await say(store, first, started, checkpoint("c1"), finished({ outcome: "failed" }));
  await store.write((tx) => resumeTask(tx, first.taskId, {}));
  const second = await nextRun(store, first.taskId);
  await say(store, second, started, checkpoint("c2"));
  const rows = await store.db.selectFrom("checkpoints").selectAll().execute();
  assert.deepEqual(
    rows.map((row) => [row.task_id, row.name, row.run_id, row.commit_id, row.ref, row.message]),
    [[first.taskId, "1", second.runId, "c2", ref, "After iteration 1"]],
  );
});

onEveryEngine("what its tasks cost is the contract's cost", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, iterationStarted(1), verdict(1), iterationStarted(2), verdict(2, { costUsd: 0.25 }));
  const { contract, costUsd } = await taskDetail(store.db, run.taskId);
  assert.deepEqual([contract.costUsd, costUsd], [0.75, 0.75]);
});

onEveryEngine("a failed run tells why, and its contract stays active", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const why = { outcome: "failed", reason: "no agent", errorCode: "agent_missing", hint: "install it" } as const;
  await say(store, run, started, finished(why));
  const { contract, task, errorCode, hint } = await taskDetail(store.db, run.taskId);
  assert.deepEqual([contract.status, task.status, task.reason], ["active", "failed", "no agent"]);
  assert.deepEqual([errorCode, hint], ["agent_missing", "install it"]);
});
