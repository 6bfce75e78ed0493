import type { Holder } from "../daemons/identity.ts";
import type { Db } from "../db/store.ts";
import { slices } from "../slices.ts";

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

/** The lease behind each claim. null where the run is unknown, another daemon's, fenced, or overtaken by a later one. */
type LeaseOf = (claim: Claim) => Lease | null;

/**
 * Proves a connection's claims, and with them that it speaks for its daemon at all: null where it does not, which says
 * nothing about the claims. One statement does both, for it is part of every append.
 */
export async function proveLeases(db: Db, holder: Holder, claims: readonly Claim[]): Promise<LeaseOf | null> {
  const leases = new Map<string, Lease>();
  for (const ids of slices([...new Set(claims.map(({ runId }) => runId))])) {
    const rows = await selectHeld(db, holder, ids).execute();
    if (rows.length === 0) return null;
    for (const { fence, ...lease } of rows) {
      if (isLease(lease) && fence !== null) leases.set(keyOf({ runId: lease.runId, fence }), lease);
    }
  }
  return (claim) => leases.get(keyOf(claim)) ?? null;
}

/** No row where the connection does not hold the identity; one without a run where the daemon has none of these. */
function selectHeld(db: Db, { daemonId, linkId }: Holder, runIds: readonly string[]) {
  return db
    .selectFrom("daemons")
    .leftJoin("runs", (join) =>
      join.onRef("runs.daemon_id", "=", "daemons.id").on("runs.id", "in", runIds).on("runs.status", "!=", "fenced"),
    )
    .leftJoin("tasks", (join) => join.onRef("tasks.id", "=", "runs.task_id").onRef("tasks.fence", "=", "runs.fence"))
    .select(["runs.id as runId", "runs.fence", "tasks.id as taskId", "tasks.contract_id as contractId"])
    .where("daemons.id", "=", daemonId)
    .where("daemons.link_id", "=", linkId);
}

function isLease(row: { [Field in keyof Lease]: string | null }): row is Lease {
  return row.runId !== null && row.taskId !== null && row.contractId !== null;
}

function keyOf({ runId, fence }: Claim): string {
  return `${runId} ${fence}`;
}
