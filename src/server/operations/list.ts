import type { Checkpoint } from "../../protocol/api.ts";
import type { Operation } from "../../protocol/operations.ts";
import type { Db } from "../db/store.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";
import { SHOWN, toOperation } from "./rows.ts";

/** Newest first, without their results. `contractId`: only that contract's operations; null: all of them. */
export async function listOperations(db: Db, contractId: string | null, page: PageRequest): Promise<PageOf<Operation>> {
  let query = db.selectFrom("operations").select(SHOWN);
  if (contractId !== null) query = query.where("contract_id", "=", contractId);
  if (page.cursor !== undefined) query = query.where("id", "<", page.cursor);
  const rows = await query
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return newestFirst(rows.map(toOperation), page);
}

/** Of one task, oldest first. */
export async function listCheckpoints(db: Db, taskId: string): Promise<Checkpoint[]> {
  const rows = await db
    .selectFrom("checkpoints")
    .selectAll()
    .where("task_id", "=", taskId)
    .orderBy("created_at")
    .orderBy("name")
    .execute();
  return rows.map((row) => ({
    taskId: row.task_id,
    name: row.name,
    runId: row.run_id,
    commit: row.commit_id,
    ref: row.ref,
    message: row.message,
    createdAt: row.created_at,
  }));
}
