import { sql } from "kysely";
import type { Selectable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { fromJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { DaemonsTable, RunsTable, TasksTable } from "../db/tables.ts";
import { explainWaiting } from "./obstacles.ts";

/** Tasks as the API shows them, with what their latest run and its daemon add. */
export function selectTasks(db: Db) {
  return db
    .selectFrom("tasks")
    .leftJoin("runs", "runs.id", "tasks.run_id")
    .leftJoin("daemons", "daemons.id", "runs.daemon_id")
    .selectAll("tasks")
    .select(["runs.iterations", "runs.head", "runs.daemon_id", "daemons.online"])
    .select(
      sql<string | null>`(
        select string_agg(after_id, ',' order by after_id) from dependencies where task_id = tasks.id)`.as("after"),
    );
}

export async function toTasks(db: Db, rows: readonly TaskRow[]): Promise<Task[]> {
  const reasons = await explainWaiting(db, rows);
  return rows.map((row) => toTask(row, reasons.get(row.id) ?? row.reason));
}

/** Throws `not_found`. */
export async function getTask(db: Db, id: string): Promise<Task> {
  const rows = await selectTasks(db).where("tasks.id", "=", id).execute();
  const [task] = await toTasks(db, rows);
  if (task === undefined) throw new MakimaError("not_found", `There is no task ${id}`);
  return task;
}

/** Puts the task as it now is into the change feed. */
export async function publishTask(tx: Write, id: string): Promise<Task> {
  const task = await getTask(tx.db, id);
  await recordChange(tx, { kind: "task", id, contractId: task.contractId, data: { ...task } });
  return task;
}

type TaskRow = Selectable<TasksTable> & {
  iterations: RunsTable["iterations"] | null;
  head: RunsTable["head"];
  daemon_id: RunsTable["daemon_id"] | null;
  online: DaemonsTable["online"] | null;
  after: string | null;
};

function toTask(row: TaskRow, reason: string | null): Task {
  return {
    id: row.id,
    contractId: row.contract_id,
    name: row.name,
    role: row.role,
    parentId: row.parent_id,
    status: row.status,
    unreachable: row.online === 0 && row.status !== "pending" && !isTerminal(TASK, row.status),
    reason,
    agent: row.agent,
    repository: row.repository,
    branch: row.branch,
    base: row.base,
    merge: row.merge,
    after: row.after?.split(",") ?? [],
    labels: fromJson(row.labels),
    head: row.head,
    runId: row.run_id,
    daemonId: row.daemon_id,
    iterations: row.iterations ?? 0,
    costUsd: row.cost_usd,
    waitUntil: row.wait_until,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
