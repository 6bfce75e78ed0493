import { CONTRACT, isTerminal } from "../../core/task-state.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { notifyBudgetSpent } from "../notifications/occasions.ts";
import { getContract, isBudgetSpent } from "./contracts.ts";
import { pauseContract } from "./transitions.ts";

/**
 * Counts what an iteration of one of its tasks has cost, and pauses the contract when that spends its budget. A cost alone
 * is no version of the contract, and not in the change feed: it is there with the task's own change, which comes with the
 * same verdict, and people's If-Match must not fail for every cent that an agent spends.
 */
export async function addCost(tx: Write, contractId: string, usd: number): Promise<void> {
  if (usd === 0) return;
  const { costUsd, budgetUsd } = await tx.db
    .updateTable("contracts")
    .set((eb) => ({ cost_usd: eb("cost_usd", "+", usd) }))
    .where("id", "=", contractId)
    .returning(["cost_usd as costUsd", "budget_usd as budgetUsd"])
    .executeTakeFirstOrThrow();
  if (isBudgetSpent({ costUsd, budgetUsd })) await holdToBudget(tx, await getContract(tx.db, contractId));
}

/**
 * Pauses a contract that has spent its budget, and tells people once for each budget; what is over stays as it is. So an
 * active contract always has some of its budget left.
 */
export async function holdToBudget(tx: Write, contract: Contract): Promise<Contract> {
  if (contract.budgetUsd === null || !isBudgetSpent(contract) || isTerminal(CONTRACT, contract.status)) return contract;
  await notifyBudgetSpent(tx, contract, contract.budgetUsd);
  return contract.status === "active" ? pauseContract(tx, contract.id) : contract;
}
