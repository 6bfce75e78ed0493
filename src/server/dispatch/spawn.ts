import { CircuitBreaker } from "../../core/circuit-breaker.ts";
import { phasesOf } from "../../core/phases.ts";
import { RUN } from "../../core/task-state.ts";
import type { LoopLimits, ResumePoint, RunSpec, Supervision } from "../../protocol/run-spec.ts";
import { insertTaskKey } from "../auth/keys.ts";
import { newToken } from "../auth/tokens.ts";
import { giveCommand } from "../commands/commands.ts";
import { fromJson, fromNullableJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { takeUnheard } from "../messages/messages.ts";
import { lastBegunRun, publishRun } from "../runs/runs.ts";
import { moveTask } from "../tasks/move.ts";
import { settingsOf } from "../tasks/settings.ts";

/** Starts a pending task on a daemon: a run with the next fence, a key for its agent, and the command to spawn it. */
export async function spawnRun(tx: Write, taskId: string, daemonId: string): Promise<void> {
  const task = await loadTask(tx.db, taskId);
  const runId = newId(tx.now);
  const fence = task.fence + 1;
  const resume = await resumePoint(tx.db, task, daemonId);
  await insertRun(tx, { runId, taskId, daemonId, fence, resume });
  await moveTask(tx, taskId, "start", {}, { fence, run_id: runId });
  await publishRun(tx, runId);
  const supervisor = task.role === "supervisor";
  // The dispatcher's own notes: for everybody else nothing of the contract has changed.
  if (!supervisor) {
    await tx.db.updateTable("contracts").set({ served_at: tx.now }).where("id", "=", task.contract_id).execute();
  }
  const taskToken = newToken("task");
  await insertTaskKey(tx, taskToken, { contractId: task.contract_id, runId, supervisor });
  await giveCommand(tx, daemonId, runId, {
    kind: "SpawnTask",
    spec: { ...specOf(task, resume), runId, fence, taskToken },
    startAt: fromNullableJson(task.start_at),
    messages: await takeUnheard(tx, taskId, runId),
  });
}

type TaskRow = Awaited<ReturnType<typeof loadTask>>;

async function loadTask(db: Db, id: string) {
  return db
    .selectFrom("tasks")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .selectAll("tasks")
    .select([
      "contracts.name as contract_name",
      "contracts.goal as contract_goal",
      "contracts.type",
      "contracts.phase",
      "contracts.goals",
      "contracts.integration_branch",
      "contracts.budget_usd",
      "contracts.cost_usd as contract_cost_usd",
    ])
    .where("tasks.id", "=", id)
    .executeTakeFirstOrThrow();
}

function specOf(task: TaskRow, resume: ResumePoint | null): Omit<RunSpec, "runId" | "fence" | "taskToken"> {
  const { autonomousLoop, limits, bubblewrap } = settingsOf(task);
  return {
    taskId: task.id,
    taskName: task.name,
    contractId: task.contract_id,
    contractName: task.contract_name,
    goal: task.goal ?? task.contract_goal,
    repository: task.repository,
    base: task.base,
    branch: task.branch,
    includeChanges: task.include_changes === 1,
    agent: task.agent,
    supervision: task.role === "supervisor" ? supervisionOf(task) : null,
    autonomousLoop,
    bubblewrap,
    checks: fromJson(task.checks),
    limits: withinBudget(limits, task, resume),
    resume,
  };
}

function supervisionOf({ type, phase, goals, integration_branch }: TaskRow): Supervision {
  return {
    type,
    phase,
    phases: phasesOf(type).map((spec) => ({ phase: spec.phase, files: spec.files.map(({ name }) => name) })),
    goals: fromJson(goals).map(({ text }) => text),
    integrationBranch: integration_branch,
  };
}

/** What is left of the contract's budget is on top of what the run's breaker takes as spent. */
function withinBudget(
  limits: LoopLimits,
  { budget_usd, contract_cost_usd }: TaskRow,
  resume: ResumePoint | null,
): LoopLimits {
  if (budget_usd === null) return limits;
  const left = budget_usd - contract_cost_usd + spentBefore(resume?.breaker ?? null);
  return { ...limits, budgetUsd: Math.min(limits.budgetUsd ?? left, left) };
}

/** As the daemon counts it, whose run goes on with this breaker. */
function spentBefore(breaker: ResumePoint["breaker"]): number {
  if (breaker === null) return 0;
  const continued = CircuitBreaker.restore(breaker);
  continued.halfOpen();
  return continued.toJSON().spentUsd;
}

/**
 * Where the latest run that really began has left off. Its session is on its daemon, and of no use to a task that was
 * taken from a lost daemon: that starts afresh, with the breaker and the cost it had. What was completed and is now to
 * be done further is new work, for which the breaker starts anew.
 */
async function resumePoint(
  db: Db,
  task: { id: string; cost_usd: number },
  daemonId: string,
): Promise<ResumePoint | null> {
  const run = await lastBegunRun(db, task.id);
  if (run === null) return null;
  const sessionId = run.daemon_id === daemonId && run.status !== "fenced" ? run.session_id : null;
  const breaker = run.status === "completed" ? null : fromNullableJson(run.breaker);
  return { runId: run.id, sessionId, breaker, costUsd: task.cost_usd };
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
      verified_tree: null,
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
