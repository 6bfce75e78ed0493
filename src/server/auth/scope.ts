import { MakimaError } from "../../core/errors.ts";
import type { Db } from "../db/store.ts";
import type { Principal } from "./keys.ts";

/** The contract that a key is confined to; null where it is not. */
export function ownContract(principal: Principal): string | null {
  return principal.kind === "task" ? principal.contractId : null;
}

/** Throws `forbidden` when a task's key asks for something of another contract. */
export function requireOwn(principal: Principal, contractId: string): void {
  const own = ownContract(principal);
  if (own !== null && own !== contractId) {
    throw new MakimaError("forbidden", "A task's key can only read its own contract");
  }
}

/** The same for a run; throws `not_found` when there is no such run. */
export async function requireOwnRun(db: Db, principal: Principal, runId: string): Promise<void> {
  const run = await db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select("tasks.contract_id")
    .where("runs.id", "=", runId)
    .executeTakeFirst();
  if (run === undefined) throw new MakimaError("not_found", `There is no run ${runId}`);
  requireOwn(principal, run.contract_id);
}
