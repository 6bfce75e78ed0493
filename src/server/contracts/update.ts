import { MakimaError } from "../../core/errors.ts";
import type { Contract, Parsed } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { requireVersion } from "../versions.ts";
import { holdToBudget } from "./budget.ts";
import { changeContract, getContract } from "./contracts.ts";

/**
 * Changes what the request names. A budget that is spent already pauses the contract. Throws `version_conflict`, or
 * `conflict` when the contract is deleted.
 */
export async function updateContract(
  tx: Write,
  id: string,
  seen: number | null,
  { name, budgetUsd, maxParallel }: Parsed<"updateContract">["body"],
): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  requireVersion(seen, contract.version);
  if (contract.status === "deleted") throw new MakimaError("conflict", "The contract is deleted");
  if (name === undefined && budgetUsd === undefined && maxParallel === undefined) return contract;
  const changed = await changeContract(tx, id, {
    ...(name === undefined ? {} : { name }),
    ...(budgetUsd === undefined ? {} : { budget_usd: budgetUsd }),
    ...(maxParallel === undefined ? {} : { max_parallel: maxParallel }),
  });
  tx.wake(DISPATCH_TOPIC);
  return holdToBudget(tx, changed);
}
