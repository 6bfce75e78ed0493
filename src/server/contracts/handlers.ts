import type { Contract } from "../../protocol/api.ts";
import { ownContract, requireOwn } from "../auth/scope.ts";
import { changesCursor } from "../changes/changes.ts";
import type { Write } from "../db/store.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { getContract } from "./contracts.ts";
import { createContract } from "./create.ts";
import { listContracts, tasksOfContract } from "./list.ts";
import { completeContract, deleteContract, pauseContract, resumeContract } from "./transitions.ts";
import { updateContract } from "./update.ts";

export const contractReads: Pick<ReadHandlers, "listContracts" | "getContract"> = {
  async listContracts({ db, principal }, { query }) {
    const { items, next } = await listContracts(db, ownContract(principal), query);
    return { contracts: items, next };
  },

  async getContract({ db, principal }, { params }) {
    const id = await resolveId(db, "contracts", params.id);
    requireOwn(principal, id);
    return { contract: await getContract(db, id), tasks: await tasksOfContract(db, id) };
  },
};

export const contractWrites: Pick<
  WriteHandlers,
  "createContract" | "updateContract" | "pauseContract" | "resumeContract" | "completeContract" | "deleteContract"
> = {
  async createContract({ tx }, { body }) {
    const cursor = await changesCursor(tx.db);
    return { ...(await createContract(tx, body)), cursor };
  },

  updateContract: ({ tx, ifMatch }, { params, body }) =>
    changed(tx, params, (id) => updateContract(tx, id, ifMatch, body)),
  pauseContract: ({ tx }, { params }) => changed(tx, params, (id) => pauseContract(tx, id)),
  resumeContract: ({ tx }, { params }) => changed(tx, params, (id) => resumeContract(tx, id)),
  completeContract: ({ tx }, { params }) => changed(tx, params, (id) => completeContract(tx, id)),
  deleteContract: ({ tx }, { params }) => changed(tx, params, (id) => deleteContract(tx, id)),
};

async function changed(
  tx: Write,
  { id }: { id: string },
  change: (id: string) => Promise<Contract>,
): Promise<{ contract: Contract; cursor: number }> {
  const cursor = await changesCursor(tx.db);
  return { contract: await change(await resolveId(tx.db, "contracts", id)), cursor };
}
