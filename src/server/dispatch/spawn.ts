import { RUN } from "../../core/task-state.ts";
import type { ResumePoint } from "../../protocol/run-spec.ts";
import { insertTaskKey } from "../auth/keys.ts";
import { newToken } from "../auth/tokens.ts";
import { giveCommand } from "../commands/commands.ts";
import { fromJson, fromNullableJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { lastBegunRun, publishRun } from "../runs/runs.ts";
import { moveTask } from "../tasks/move.ts";

/** Starts a pending task on a daemon: a run with the next fence, a key for its agent, and the command to spawn it. */
export async function spawnRun(tx: Write, taskId: string, daemonId: string, apiUrl: string): Promise<void> {
  const task = await loadTask(tx, taskId);
  const runId = newId(tx.now);
  const fence = task.fence + 1;
  const resume = await resumePoint(tx, task, daemonId);
  await insertRun(tx, { runId, taskId, daemonId, fence, resume });
  await moveTask(tx, taskId, "start", {}, { fence, run_id: runId });
  await publishRun(tx, runId);
  // The dispatcher's own notes: for everybody else nothing of the contract has changed.
  await tx.db.updateTable("contracts").set({ served_at: tx.now }).where("id", "=", task.contract_id).execute();
  const taskToken = newToken("task");
  await insertTaskKey(tx, taskToken, task.contract_id, runId);
  const settings = fromJson(task.settings);
  await giveCommand(tx, daemonId, runId, {
    kind: "SpawnTask",
    spec: {
      runId,
      fence,
      taskId,
      taskName: task.name,
      contractId: task.contract_id,
      contractName: task.contract_name,
      goal: task.goal ?? task.contract_goal,
      repository: task.repository,
      base: task.base,
      branch: task.branch,
      includeChanges: task.include_changes === 1,
      agent: task.agent,
      autonomousLoop: settings.autonomousLoop,
      checks: fromJson(task.checks),
      limits: settings.limits,
      apiUrl,
      taskToken,
      resume,
    },
  });
}

async function loadTask(tx: Write, id: string) {
  return tx.db
    .selectFrom("tasks")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .selectAll("tasks")
    .select(["contracts.name as contract_name", "contracts.goal as contract_goal"])
    .where("tasks.id", "=", id)
    .executeTakeFirstOrThrow();
}

/**
 * Where the latest run that really began has left off. Its session is on its daemon, and of no use to a task that was
 * taken from a lost daemon: that starts afresh, with the breaker and the cost it had.
 */
async function resumePoint(
  tx: Write,
  task: { id: string; cost_usd: number },
  daemonId: string,
): Promise<ResumePoint | null> {
  const run = await lastBegunRun(tx.db, task.id);
  if (run === null) return null;
  const sessionId = run.daemon_id === daemonId && run.status !== "fenced" ? run.session_id : null;
  return { runId: run.id, sessionId, breaker: fromNullableJson(run.breaker), costUsd: task.cost_usd };
}

interface NewRun {
  runId: string;
  taskId: string;
  daemonId: string;
  fence: number;
  resume: ResumePoint | null;
}

async function insertRun(tx: Write, { runId, taskId, daemonId, fence, resume }: NewRun): Promise<void> {
  const breaker = resume?.breaker ?? null;
  await tx.db
    .insertInto("runs")
    .values({
      id: runId,
      task_id: taskId,
      daemon_id: daemonId,
      fence,
      status: RUN.initial,
      iterations: 0,
      // Kept for the case that this run ends before its first verdict and is itself resumed.
      session_id: resume?.sessionId ?? null,
      breaker: breaker === null ? null : toJson(breaker),
      head: null,
      worktree: null,
      branch_kept: 0,
      verification: null,
      checks: toJson([]),
      tampering: toJson([]),
      diff_stat: null,
      error_code: null,
      hint: null,
      created_at: tx.now,
      started_at: null,
      ended_at: null,
    })
    .execute();
}
