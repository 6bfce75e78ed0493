import { RUN } from "../../core/task-state.ts";
import type { ResumePoint } from "../../protocol/run-spec.ts";
import { insertTaskKey } from "../auth/keys.ts";
import { newToken } from "../auth/tokens.ts";
import { giveCommand } from "../commands/commands.ts";
import { fromJson, fromNullableJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { publishRun } from "../runs/runs.ts";
import { moveTask } from "../tasks/move.ts";

/** Starts a pending task on a daemon: a run with the next fence, a key for its agent, and the command to spawn it. */
export async function spawnRun(tx: Write, taskId: string, daemonId: string, apiUrl: string): Promise<void> {
  const task = await loadTask(tx, taskId);
  const runId = newId(tx.now);
  const fence = task.fence + 1;
  const resume = await resumePoint(tx, taskId, task.cost_usd);
  await insertRun(tx, { runId, taskId, daemonId, fence, resume });
  await tx.db.updateTable("tasks").set({ fence, run_id: runId }).where("id", "=", taskId).execute();
  await moveTask(tx, taskId, "start", {});
  await publishRun(tx, runId);
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
      goal: task.goal,
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
    .select(["contracts.name as contract_name", "contracts.goal"])
    .where("tasks.id", "=", id)
    .executeTakeFirstOrThrow();
}

/** The latest run that a daemon really began: one that was rejected has neither checkout nor session to go on from. */
async function resumePoint(tx: Write, taskId: string, costUsd: number): Promise<ResumePoint | null> {
  const run = await tx.db
    .selectFrom("runs")
    .select(["id", "session_id", "breaker"])
    .where("task_id", "=", taskId)
    .where("started_at", "is not", null)
    .orderBy("fence", "desc")
    .limit(1)
    .executeTakeFirst();
  if (run === undefined) return null;
  return { runId: run.id, sessionId: run.session_id, breaker: fromNullableJson(run.breaker), costUsd };
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
