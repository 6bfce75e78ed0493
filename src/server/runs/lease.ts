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
 * The lease behind each of a daemon's claims. null where the run is unknown, another daemon's, or has been overtaken by
 * a later one of its task.
 */
export async function proveLeases(
  db: Db,
  daemonId: string,
  claims: readonly Claim[],
): Promise<(claim: Claim) => Lease | null> {
  // PostgreSQL knows no empty list.
  if (claims.length === 0) return () => null;
  const rows = await db
    .selectFrom("runs")
    .innerJoin("tasks", (join) => join.onRef("tasks.id", "=", "runs.task_id").onRef("tasks.fence", "=", "runs.fence"))
    .select(["runs.id as runId", "runs.fence", "tasks.id as taskId", "tasks.contract_id as contractId"])
    .where("runs.id", "in", [...new Set(claims.map(({ runId }) => runId))])
    .where("runs.daemon_id", "=", daemonId)
    .execute();
  const leases = new Map(rows.map(({ fence, ...lease }) => [keyOf({ runId: lease.runId, fence }), lease]));
  return (claim) => leases.get(keyOf(claim)) ?? null;
}

function keyOf({ runId, fence }: Claim): string {
  return `${runId} ${fence}`;
}
