import { sql } from "kysely";
import type { Selectable } from "kysely";
import { TASK } from "../../core/task-state.ts";
import type { TaskState } from "../../core/task-state.ts";
import type { Db } from "../db/store.ts";
import type { TasksTable } from "../db/tables.ts";

/** What it takes to decide about a task. */
export type TaskRow = Pick<Selectable<TasksTable>, (typeof COLUMNS)[number]>;

const COLUMNS = ["id", "contract_id", "status", "hold", "run_id", "labels", "home", "version"] as const;

export async function taskRow(db: Db, id: string): Promise<TaskRow> {
  return db.selectFrom("tasks").select(COLUMNS).where("id", "=", id).executeTakeFirstOrThrow();
}

/** Of one contract, oldest first. */
export async function liveTaskRows(db: Db, contractId: string): Promise<TaskRow[]> {
  return db
    .selectFrom("tasks")
    .select(COLUMNS)
    .where("contract_id", "=", contractId)
    .where(NOT_COMPLETED)
    .where("status", "in", TASK.live)
    .orderBy("id")
    .execute();
}

/** Word for word the condition of the index `tasks_open`, which then spares a look at all that is completed. */
export const NOT_COMPLETED = sql<boolean>`status <> 'completed'`;

/** The states in which a daemon has a run of the task. */
export const WITH_RUN: readonly TaskState[] = TASK.live.filter((state) => state !== "pending");

/** The live run of a task in one of these states. */
export function runOf({ id, run_id }: TaskRow): string {
  if (run_id === null) throw new Error(`task ${id} has no run`);
  return run_id;
}
