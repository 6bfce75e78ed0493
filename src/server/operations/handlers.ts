import { listedContract, resolveOwn } from "../auth/scope.ts";
import { changesCursor } from "../changes/changes.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { listCheckpoints, listOperations } from "./list.ts";
import { getOperation } from "./rows.ts";
import { startOperation } from "./start.ts";

export const operationReads: Pick<ReadHandlers, "listOperations" | "getOperation" | "listCheckpoints"> = {
  async listOperations({ db, principal }, { query }) {
    const contractId = await listedContract(db, principal, query.contract);
    const { items, next } = await listOperations(db, contractId, query);
    return { operations: items, next };
  },

  async getOperation({ db, principal }, { params }) {
    return { operation: await getOperation(db, await resolveOwn(db, principal, "operations", params.id)) };
  },

  async listCheckpoints({ db, principal }, { params }) {
    return { checkpoints: await listCheckpoints(db, await resolveOwn(db, principal, "tasks", params.id)) };
  },
};

export const operationWrites: Pick<WriteHandlers, "startOperation"> = {
  async startOperation({ tx, principal }, { body }) {
    const cursor = await changesCursor(tx.db);
    return { operation: await startOperation(tx, principal, body), cursor };
  },
};
