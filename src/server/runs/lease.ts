import type { Db } from "../db/store.ts";

/** Proof that a daemon holds a task's latest run. */
export interface Lease {
  runId: string;
  taskId: string;
  contractId: string;
}

/** null: the run is unknown, another daemon's, or has been overtaken by a later one of its task. */
export async function proveLease(db: Db, daemonId: string, runId: string, fence: number): Promise<Lease | null> {
  const row = await db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select(["runs.task_id", "tasks.contract_id"])
    .where("runs.id", "=", runId)
    .where("runs.daemon_id", "=", daemonId)
    .where("runs.fence", "=", fence)
    .where("tasks.fence", "=", fence)
    .executeTakeFirst();
  return row === undefined ? null : { runId, taskId: row.task_id, contractId: row.contract_id };
}
