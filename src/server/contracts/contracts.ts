import type { Selectable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import type { Contract } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";
import type { ContractsTable } from "../db/tables.ts";

export function toContract(row: Selectable<ContractsTable>): Contract {
  const { created_at: createdAt, updated_at: updatedAt, ...rest } = row;
  return { ...rest, createdAt, updatedAt };
}

/** Throws `not_found`. */
export async function getContract(db: Db, id: string): Promise<Contract> {
  const row = await db.selectFrom("contracts").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no contract ${id}`);
  return toContract(row);
}

/** Completes an active contract once the last of its tasks is completed; called in the transaction of that task. */
export async function completeIfDone(tx: Write, id: string): Promise<void> {
  const open = await tx.db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", id)
    .where("status", "!=", "completed")
    .executeTakeFirst();
  if (open !== undefined) return;
  const { numUpdatedRows } = await tx.db
    .updateTable("contracts")
    .set({ status: "completed", updated_at: tx.now })
    .where("id", "=", id)
    .where("status", "=", "active")
    .executeTakeFirst();
  if (numUpdatedRows > 0n) await publishContract(tx, id);
}

/** Puts the contract into the change feed, all but its goal, which may be a megabyte and never changes. */
export async function publishContract(tx: Write, id: string): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  const { goal: _, ...change } = contract;
  await recordChange(tx, "contract", id, change);
  return contract;
}
