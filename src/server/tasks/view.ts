import type { Selectable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";
import type { DaemonsTable, RunsTable, TasksTable } from "../db/tables.ts";

/** Tasks as the API shows them, with what their latest run and its daemon add. */
export function selectTasks(db: Db) {
  return db
    .selectFrom("tasks")
    .leftJoin("runs", "runs.id", "tasks.run_id")
    .leftJoin("daemons", "daemons.id", "runs.daemon_id")
    .selectAll("tasks")
    .select(["runs.iterations", "runs.head", "daemons.online"]);
}

type TaskRow = Selectable<TasksTable> & {
  iterations: RunsTable["iterations"] | null;
  head: RunsTable["head"];
  online: DaemonsTable["online"] | null;
};

export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    contractId: row.contract_id,
    name: row.name,
    status: row.status,
    unreachable: row.online === 0 && row.status !== "pending" && !isTerminal(TASK, row.status),
    reason: row.reason,
    agent: row.agent,
    repository: row.repository,
    branch: row.branch,
    base: row.base,
    head: row.head,
    runId: row.run_id,
    iterations: row.iterations ?? 0,
    costUsd: row.cost_usd,
    waitUntil: row.wait_until,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Throws `not_found`. */
export async function getTask(db: Db, id: string): Promise<Task> {
  const row = await selectTasks(db).where("tasks.id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no task ${id}`);
  return toTask(row);
}

/** Puts the task as it now is into the change feed. */
export async function publishTask(tx: Write, id: string): Promise<Task> {
  const task = await getTask(tx.db, id);
  await recordChange(tx, "task", id, { ...task });
  return task;
}
