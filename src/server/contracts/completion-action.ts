import { MakimaError } from "../../core/errors.ts";
import type { CompletionAction, Contract } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { queueMerge } from "../operations/merge-queue.ts";
import { completeIfDone } from "./completion.ts";
import { changeContract, getContract } from "./contracts.ts";
import { requireOngoing } from "./ongoing.ts";

/**
 * What becomes of the work, also of what is completed already: it is merged now where nothing was to be merged so far.
 * Throws `invalid_request` for what is not possible with the contract.
 */
export async function setCompletionAction(tx: Write, id: string, action: CompletionAction): Promise<Contract> {
  const contract = await requireOngoing(tx.db, id);
  if (contract.completionAction === action) return contract;
  requirePossible(action, contract);
  await changeContract(tx, id, { completion_action: action });
  if (contract.completionAction === "none") await queueMerges(tx, id);
  // Only a merge that nobody wants any more may have kept it open.
  if (action === "none") await completeIfDone(tx, id);
  return getContract(tx.db, id);
}

async function queueMerges(tx: Write, contractId: string): Promise<void> {
  const tasks = await tx.db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", contractId)
    .where("status", "=", "completed")
    .where("merge", "is", null)
    .orderBy("id")
    .execute();
  for (const { id } of tasks) await queueMerge(tx, id);
}

/** Throws `invalid_request` where the contract lacks the branch that the action needs. */
export function requirePossible(
  action: CompletionAction,
  { integrationBranch, repositories }: Pick<Contract, "integrationBranch" | "repositories">,
): void {
  if (action === "none") return;
  if (integrationBranch === "") {
    throw new MakimaError("invalid_request", "The contract has no integration branch: an older makima made it", {
      hint: "Merge its branches with git, or create another contract.",
    });
  }
  if (action === "merge" && repositories[0]?.branch === null) {
    throw new MakimaError("invalid_request", "No branch was checked out where the contract began: none to merge into", {
      hint: "Choose `branch` or `pr`, and merge the integration branch yourself.",
    });
  }
}
