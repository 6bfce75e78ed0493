import { sql } from "kysely";
import type { Selectable, UpdateObject } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { CONTRACT, isTerminal, transition } from "../../core/task-state.ts";
import type { ContractEvent } from "../../core/task-state.ts";
import type { Contract } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { fromJson, fromNullableJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { ContractsTable, Tables } from "../db/tables.ts";

export function toContract(row: Selectable<ContractsTable>): Contract {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    type: row.type,
    phase: row.phase,
    driver: row.driver,
    goal: row.goal,
    goals: fromJson(row.goals),
    repositories: fromJson(row.repositories),
    integrationBranch: row.integration_branch,
    completionAction: row.completion_action,
    autonomousLoop: fromNullableJson(row.defaults)?.settings.autonomousLoop ?? true,
    checks: fromNullableJson(row.defaults)?.checks ?? [],
    budgetUsd: row.budget_usd,
    costUsd: row.cost_usd,
    maxParallel: row.max_parallel,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Throws `not_found`. */
export async function getContract(db: Db, id: string): Promise<Contract> {
  const row = await db.selectFrom("contracts").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no contract ${id}`);
  return toContract(row);
}

/**
 * Takes a contract through one event of its state machine and publishes it; where it is in that state already, nothing
 * changes. Throws `conflict` where the machine does not allow it.
 */
export async function moveContract(tx: Write, id: string, event: ContractEvent): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  if (contract.status === IN_EFFECT[event]) return contract;
  const next = transition(CONTRACT, contract.status, event);
  if (next === null) throw new MakimaError("conflict", `The contract is ${contract.status}: it cannot ${event} now`);
  // What is deleted after it was completed has ended when it was completed.
  const end = isTerminal(CONTRACT, next) ? { ended_at: sql<number>`coalesce(ended_at, ${tx.now})` } : {};
  return changeContract(tx, id, { ...end, status: next });
}

/** The one way in which a contract changes: each change is a version of it, and in the change feed. */
export async function changeContract(
  tx: Write,
  id: string,
  change: UpdateObject<Tables, "contracts">,
): Promise<Contract> {
  await tx.db
    .updateTable("contracts")
    .set((eb) => ({ ...change, version: eb("version", "+", 1), updated_at: tx.now }))
    .where("id", "=", id)
    .execute();
  return publishContract(tx, id);
}

/** Puts the contract into the change feed, all but its goal, which may be a megabyte and never changes. */
export async function publishContract(tx: Write, id: string): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  const { goal: _, ...change } = contract;
  await recordChange(tx, { kind: "contract", id, contractId: id, data: change });
  return contract;
}

/** Whether its tasks have cost what they may together. */
export function isBudgetSpent({ budgetUsd, costUsd }: Pick<Contract, "budgetUsd" | "costUsd">): boolean {
  return budgetUsd !== null && costUsd >= budgetUsd;
}

const IN_EFFECT: { readonly [On in ContractEvent]: Contract["status"] } = {
  pause: "paused",
  resume: "active",
  complete: "completed",
  delete: "deleted",
};
