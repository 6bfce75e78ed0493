import type { Selectable } from "kysely";
import type { Report } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { requireOngoing } from "../contracts/ongoing.ts";
import type { ReportsTable } from "../db/contract-tables.ts";
import type { Db, Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";

/** Newest first. */
export async function listReports(db: Db, contractId: string, page: PageRequest): Promise<PageOf<Report>> {
  let query = db.selectFrom("reports").selectAll().where("contract_id", "=", contractId);
  if (page.cursor !== undefined) query = query.where("id", "<", page.cursor);
  const rows = await query
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return newestFirst(rows.map(toReport), page);
}

/** `taskId`: the task whose agent reports; null: a person does. Throws `conflict` when the contract is over. */
export async function createReport(
  tx: Write,
  contractId: string,
  { taskId, text }: { taskId: string | null; text: string },
): Promise<Report> {
  await requireOngoing(tx.db, contractId);
  const row = { id: newId(tx.now), contract_id: contractId, task_id: taskId, text, created_at: tx.now };
  await tx.db.insertInto("reports").values(row).execute();
  const report = toReport(row);
  await recordChange(tx, { kind: "report", id: report.id, contractId, data: { ...report } });
  return report;
}

function toReport(row: Selectable<ReportsTable>): Report {
  return { id: row.id, contractId: row.contract_id, taskId: row.task_id, text: row.text, createdAt: row.created_at };
}
