import { MakimaError } from "../../core/errors.ts";
import type { Contract } from "../../protocol/api.ts";
import { agentOf, ownContract, resolveOwn } from "../auth/scope.ts";
import { changesCursor } from "../changes/changes.ts";
import type { ReadHandlers, WriteContext, WriteHandlers } from "../http/context.ts";
import { setCompletionAction } from "./completion-action.ts";
import { completeAsSupervisor, completeContract } from "./completion.ts";
import { getContract } from "./contracts.ts";
import { createContract, openContract } from "./create.ts";
import { changeGoals } from "./goals.ts";
import { listContracts, tasksOfContract } from "./list.ts";
import { advancePhase } from "./phase.ts";
import { contractStatus } from "./status.ts";
import { deleteContract, pauseContract, resumeContract } from "./transitions.ts";
import { updateContract } from "./update.ts";

export const contractReads: Pick<ReadHandlers, "listContracts" | "getContract" | "contractStatus"> = {
  async listContracts({ db, principal }, { query }) {
    const { items, next } = await listContracts(db, ownContract(principal), query);
    return { contracts: items, next };
  },

  async getContract({ db, principal }, { params }) {
    const id = await resolveOwn(db, principal, "contracts", params.id);
    return { contract: await getContract(db, id), tasks: await tasksOfContract(db, id) };
  },

  async contractStatus({ db, principal }, { params }) {
    // Before everything else: what changes while this is read must come after it.
    const cursor = await changesCursor(db);
    return { ...(await contractStatus(db, await resolveOwn(db, principal, "contracts", params.id))), cursor };
  },
};

export const contractWrites: Pick<
  WriteHandlers,
  | "createContract"
  | "openContract"
  | "changeGoals"
  | "advancePhase"
  | "setCompletionAction"
  | "updateContract"
  | "pauseContract"
  | "resumeContract"
  | "completeContract"
  | "deleteContract"
> = {
  async createContract({ tx }, { body }) {
    const cursor = await changesCursor(tx.db);
    return { ...(await createContract(tx, body)), cursor };
  },

  async openContract({ tx }, { body }) {
    const cursor = await changesCursor(tx.db);
    return { contract: await openContract(tx, body), cursor };
  },

  updateContract: (context, { params, body }) =>
    changed(context, params, (id) => updateContract(context.tx, id, context.ifMatch, body)),
  changeGoals: (context, { params, body }) => changed(context, params, (id) => changeGoals(context.tx, id, body)),

  async advancePhase(context, { params, body }) {
    if (body.force && agentOf(context.principal) !== null) {
      throw new MakimaError("forbidden", "Only a person may force a phase to end", {
        hint: "Deliver what is missing: `makima contract checklist` lists it.",
      });
    }
    return changed(context, params, (id) => advancePhase(context.tx, id, body.force));
  },

  setCompletionAction: (context, { params, body }) =>
    changed(context, params, (id) => setCompletionAction(context.tx, id, body.action)),
  pauseContract: (context, { params }) => changed(context, params, (id) => pauseContract(context.tx, id)),
  resumeContract: (context, { params }) => changed(context, params, (id) => resumeContract(context.tx, id)),

  completeContract(context, { params }) {
    const complete = agentOf(context.principal) === null ? completeContract : completeAsSupervisor;
    return changed(context, params, (id) => complete(context.tx, id));
  },

  deleteContract: (context, { params }) => changed(context, params, (id) => deleteContract(context.tx, id)),
};

async function changed(
  { tx, principal }: WriteContext,
  { id }: { id: string },
  change: (id: string) => Promise<Contract>,
): Promise<{ contract: Contract; cursor: number }> {
  const cursor = await changesCursor(tx.db);
  return { contract: await change(await resolveOwn(tx.db, principal, "contracts", id)), cursor };
}
