import { agentOf, resolveOwn } from "../auth/scope.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { createReport, listReports } from "./reports.ts";

export const reportReads: Pick<ReadHandlers, "listReports"> = {
  async listReports({ db, principal }, { params, query }) {
    const id = await resolveOwn(db, principal, "contracts", params.id);
    const { items, next } = await listReports(db, id, query);
    return { reports: items, next };
  },
};

export const reportWrites: Pick<WriteHandlers, "createReport"> = {
  async createReport({ tx, principal }, { params, body }) {
    const id = await resolveOwn(tx.db, principal, "contracts", params.id);
    const taskId = agentOf(principal)?.taskId ?? null;
    return { report: await createReport(tx, id, { taskId, text: body.text }) };
  },
};
