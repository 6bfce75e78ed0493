import type { Selectable } from "kysely";
import type { Iteration, TaskDetail } from "../../protocol/api.ts";
import { changesCursor } from "../changes/changes.ts";
import { getContract } from "../contracts/contracts.ts";
import { fromJson, fromNullableJson } from "../db/json.ts";
import type { Db } from "../db/store.ts";
import type { IterationsTable, RunsTable } from "../db/tables.ts";
import { getTask } from "./view.ts";

/** A task with everything that its latest run has reported. Throws `not_found`. */
export async function taskDetail(db: Db, id: string): Promise<TaskDetail> {
  // Before everything else: what changes while this is read must come after it.
  const cursor = await changesCursor(db);
  const task = await getTask(db, id);
  const contract = await getContract(db, task.contractId);
  const shared = { contract, task, costUsd: task.costUsd, cursor };
  if (task.runId === null) return { ...shared, ...NO_RUN };
  const run = await db.selectFrom("runs").selectAll().where("id", "=", task.runId).executeTakeFirstOrThrow();
  return { ...shared, ...reported(run), iterations: await iterationsOf(db, task.runId) };
}

type Reported = Omit<TaskDetail, "contract" | "task" | "costUsd" | "cursor" | "iterations">;

const NO_RUN: Reported & Pick<TaskDetail, "iterations"> = {
  iterations: [],
  verification: null,
  checks: [],
  tampering: [],
  worktree: null,
  sandbox: null,
  branchKept: false,
  diffStat: null,
  errorCode: null,
  hint: null,
};

function reported(run: Selectable<RunsTable>): Reported {
  return {
    verification: run.verification,
    checks: fromJson(run.checks),
    tampering: fromJson(run.tampering),
    worktree: run.worktree,
    sandbox: run.sandbox,
    branchKept: run.branch_kept === 1,
    diffStat: fromNullableJson(run.diff_stat),
    errorCode: run.error_code,
    hint: run.hint,
  };
}

async function iterationsOf(db: Db, runId: string): Promise<Iteration[]> {
  const rows = await db.selectFrom("iterations").selectAll().where("run_id", "=", runId).orderBy("index").execute();
  return rows.map(toIteration);
}

function toIteration(row: Selectable<IterationsTable>): Iteration {
  return {
    index: row.index,
    sessionId: row.session_id,
    gate: fromNullableJson(row.gate),
    changed: row.changed === null ? null : row.changed === 1,
    error: row.error,
    verdict: row.verdict,
    reason: row.reason,
    refused: row.refused === 1,
    costUsd: row.cost_usd,
    durationMs: row.duration_ms,
    startedAt: row.started_at,
  };
}
