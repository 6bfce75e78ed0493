import { sql } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { deliverablesOf } from "../../core/phases.ts";
import type { Deliverable } from "../../core/phases.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";

export interface Progress {
  /** All of the contract, oldest first. */
  tasks: TaskProgress[];
  /** Of the present phase. */
  deliverables: Deliverable[];
}

export type TaskProgress = Awaited<ReturnType<typeof tasksOf>>[number];

type Terms = Pick<Contract, "id" | "type" | "phase" | "completionAction">;

/** How far a contract is in its present phase, from two queries over what belongs to it. */
export async function progressOf(db: Db, contract: Terms): Promise<Progress> {
  const tasks = await tasksOf(db, contract.id);
  const files = await db.selectFrom("files").select("name").where("contract_id", "=", contract.id).execute();
  // What was cancelled is wanted no more: somebody has decided that.
  const wanted = tasks.filter(({ role, status }) => role === "worker" && status !== "cancelled");
  const deliverables = deliverablesOf(contract.type, contract.phase, {
    files: new Set(files.map(({ name }) => name)),
    tasks: wanted.map((task) => ({
      name: task.name,
      completed: task.status === "completed",
      merged: !isUnmerged(contract, task),
    })),
  });
  return { tasks, deliverables };
}

/** Throws `deliverables_missing`, naming what the present phase has not delivered. */
export function requireDelivered({ phase }: Pick<Contract, "phase">, { deliverables }: Progress): void {
  const missing = deliverables.flatMap((one) => one.missing ?? []);
  if (missing.length === 0) return;
  throw new MakimaError("deliverables_missing", `The phase ${phase} is not over: ${missing.join("; ")}`);
}

/** Whether a task's work is still to be merged: what the queue holds is; what it gave up is, where merging is the plan. */
export function isUnmerged(
  { completionAction }: Pick<Contract, "completionAction">,
  { merge }: Pick<TaskProgress, "merge">,
): boolean {
  if (merge === "queued") return true;
  return completionAction !== "none" && (merge === "conflict" || merge === "failed");
}

/** Word for word the condition of the index `tasks_unmerged`. */
export const MERGE_OPEN = sql<boolean>`merge in ('queued', 'conflict', 'failed')`;

async function tasksOf(db: Db, contractId: string) {
  return db
    .selectFrom("tasks")
    .select(["id", "name", "role", "status", "reason", "merge", "idle", "run_id"])
    .where("contract_id", "=", contractId)
    .orderBy("id")
    .execute();
}
