import { sql } from "kysely";
import type { Selectable } from "kysely";
import { TASK } from "../../core/task-state.ts";
import type { TaskState } from "../../core/task-state.ts";
import type { Labels } from "../../protocol/labels.ts";
import type { Db } from "../db/store.ts";
import type { TasksTable } from "../db/tables.ts";
import { queueOf } from "../dispatch/queue.ts";

/** What it takes to decide about a task. */
export type TaskRow = Pick<Selectable<TasksTable>, (typeof COLUMNS)[number]>;

const COLUMNS = ["id", "contract_id", "role", "status", "hold", "run_id", "labels", "home", "version"] as const;

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

/** Whether the task of that name in a query holds up none of those that come after it. */
export function isMet(task: string) {
  const [status, merge] = [sql.ref(`${task}.status`), sql.ref(`${task}.merge`)];
  return sql<boolean>`(${status} = 'completed' and coalesce(${merge}, 'merged') = 'merged')`;
}

/** The states in which a daemon has a run of the task. */
export const WITH_RUN: readonly TaskState[] = TASK.live.filter((state) => state !== "pending");

/** Where a task waits that asks for these labels and this daemon. */
export function queueOfRow({ contract_id: contractId, role }: TaskRow, labels: Labels, home: string | null): string {
  return queueOf({ contractId, role, labels, home });
}

/** The live run of a task in one of these states. */
export function runOf({ id, run_id }: TaskRow): string {
  if (run_id === null) throw new Error(`task ${id} has no run`);
  return run_id;
}
