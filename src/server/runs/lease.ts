import type { Db } from "../db/store.ts";

/** What a daemon says it holds. */
export interface Claim {
  runId: string;
  fence: number;
}

/** Proof that a daemon holds a task's latest run. */
export interface Lease {
  runId: string;
  taskId: string;
  contractId: string;
}

/**
 * The leases behind a daemon's claims, by run. None where the run is unknown, another daemon's, or has been overtaken by
 * a later one of its task.
 */
export async function proveLeases(db: Db, daemonId: string, claims: readonly Claim[]): Promise<Map<string, Lease>> {
  const fences = new Map(claims.map(({ runId, fence }) => [runId, fence]));
  if (fences.size === 0) return new Map();
  const rows = await db
    .selectFrom("runs")
    .innerJoin("tasks", (join) => join.onRef("tasks.id", "=", "runs.task_id").onRef("tasks.fence", "=", "runs.fence"))
    .select(["runs.id as runId", "runs.fence", "tasks.id as taskId", "tasks.contract_id as contractId"])
    .where("runs.id", "in", [...fences.keys()])
    .where("runs.daemon_id", "=", daemonId)
    .execute();
  const proven = rows.filter(({ runId, fence }) => fences.get(runId) === fence);
  return new Map(proven.map(({ fence: _, ...lease }) => [lease.runId, lease]));
}
