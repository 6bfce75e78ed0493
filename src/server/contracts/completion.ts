import { REPORT_FILE } from "../../core/contract-report.ts";
import { MakimaError } from "../../core/errors.ts";
import { nextPhase } from "../../core/phases.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Db, Write } from "../db/store.ts";
import { notifyContractDone } from "../notifications/occasions.ts";
import { landContract } from "../operations/merge-queue.ts";
import { liveTaskRows, NOT_COMPLETED } from "../tasks/rows.ts";
import { cleanUp } from "./clean-up.ts";
import { getContract, isBudgetSpent, moveContract } from "./contracts.ts";
import { writeReport } from "./final-report.ts";
import { requireOngoing } from "./ongoing.ts";
import { isUnmerged, MERGE_OPEN, progressOf, requireDelivered } from "./progress.ts";

/**
 * Completes a contract that nobody drives once the last of its tasks is completed, and merged where that is the plan. A
 * pause keeps it from that, unless it was only the budget: then there is nothing left that could cost more.
 */
export async function completeIfDone(tx: Write, id: string): Promise<void> {
  const contract = await getContract(tx.db, id);
  const goesOn = contract.status === "active" || (contract.status === "paused" && isBudgetSpent(contract));
  if (contract.driver !== "task" || !goesOn || (await hasOpenWork(tx.db, contract))) return;
  await complete(tx, id);
}

/** By a person's decision, whatever has become of its tasks, but not while any of them is live. */
export async function completeContract(tx: Write, id: string): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  if (contract.status === "completed") return contract;
  const { length: live } = await liveTaskRows(tx.db, id);
  if (live === 0) return complete(tx, id);
  throw new MakimaError("conflict", `${live} of the contract's tasks ${live === 1 ? "is" : "are"} live`, {
    hint: "Wait for them, or stop them first.",
  });
}

/**
 * By its supervisor's decision, which needs everything to be there; the supervisor itself is at work then. Throws
 * `conflict` before the last phase, or `deliverables_missing`.
 */
export async function completeAsSupervisor(tx: Write, id: string): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  if (contract.status === "completed") return contract;
  await requireOngoing(tx.db, id);
  const next = nextPhase(contract.type, contract.phase);
  if (next !== null) {
    throw new MakimaError("conflict", `The contract is in the phase ${contract.phase}: ${next} is still to come`, {
      hint: "Go through the phases with `makima supervisor advance-phase`.",
    });
  }
  // No worker can be live with every deliverable there: in each last phase the tasks are one of them.
  requireDelivered(contract, await progressOf(tx.db, contract));
  return complete(tx, id);
}

async function hasOpenWork(db: Db, contract: Contract): Promise<boolean> {
  const tasks = db.selectFrom("tasks").where("contract_id", "=", contract.id);
  if ((await tasks.select("id").where(NOT_COMPLETED).executeTakeFirst()) !== undefined) return true;
  const merges = await tasks.select("merge").distinct().where(MERGE_OPEN).execute();
  return merges.some((task) => isUnmerged(contract, task));
}

/** What goes with every completion, whoever decided it. */
async function complete(tx: Write, id: string): Promise<Contract> {
  const contract = await moveContract(tx, id, "complete");
  await writeReport(tx, contract);
  await notifyContractDone(tx, id, REPORT_FILE.name);
  await landContract(tx, id);
  await cleanUp(tx, id);
  return contract;
}
