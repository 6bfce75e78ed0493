import { MakimaError } from "../../core/errors.ts";
import { nextPhase } from "../../core/phases.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { changeContract } from "./contracts.ts";
import { requireOngoing } from "./ongoing.ts";
import { progressOf, requireDelivered } from "./progress.ts";

/** Begins the next phase; `force`: although something of this one is missing. Throws `deliverables_missing` or `conflict`. */
export async function advancePhase(tx: Write, id: string, force: boolean): Promise<Contract> {
  const contract = await requireOngoing(tx.db, id);
  const next = nextPhase(contract.type, contract.phase);
  if (next === null) {
    throw new MakimaError("conflict", `The contract is in ${contract.phase}, its last phase`, {
      hint: "Complete it with `makima contract complete`.",
    });
  }
  if (!force) requireDelivered(contract, await progressOf(tx.db, contract));
  return changeContract(tx, id, { phase: next });
}
