import { MakimaError } from "../../core/errors.ts";
import { CONTRACT, isTerminal } from "../../core/task-state.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";
import { getContract } from "./contracts.ts";

/** The contract, of which something is to change. Throws `not_found`, or `conflict` when it is over. */
export async function requireOngoing(db: Db, id: string): Promise<Contract> {
  const contract = await getContract(db, id);
  if (!isTerminal(CONTRACT, contract.status)) return contract;
  throw new MakimaError("conflict", `The contract is ${contract.status}: it takes no more changes`, {
    hint: "Create another contract.",
  });
}
