import type { Selectable, UpdateObject } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { CONTRACT, transition } from "../../core/task-state.ts";
import type { ContractEvent } from "../../core/task-state.ts";
import type { Contract } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";
import type { ContractsTable, Tables } from "../db/tables.ts";
import { notifyContractDone } from "../notifications/occasions.ts";
import { NOT_COMPLETED } from "../tasks/rows.ts";

export function toContract(row: Selectable<ContractsTable>): Contract {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    type: row.type,
    goal: row.goal,
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
  return changeContract(tx, id, { status: next });
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

/** Completes an active contract once the last of its tasks is completed. */
export async function completeIfDone(tx: Write, id: string): Promise<void> {
  const contract = await tx.db.selectFrom("contracts").select("status").where("id", "=", id).executeTakeFirstOrThrow();
  if (contract.status !== "active") return;
  const open = await tx.db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", id)
    .where(NOT_COMPLETED)
    .executeTakeFirst();
  if (open !== undefined) return;
  await moveContract(tx, id, "complete");
  await notifyContractDone(tx, id);
}

/** Puts the contract into the change feed, all but its goal, which may be a megabyte and never changes. */
export async function publishContract(tx: Write, id: string): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  const { goal: _, ...change } = contract;
  await recordChange(tx, "contract", id, change);
  return contract;
}

const IN_EFFECT: { readonly [On in ContractEvent]: Contract["status"] } = {
  pause: "paused",
  resume: "active",
  complete: "completed",
  delete: "deleted",
};
