import { TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";
import { selectTasks, toTasks } from "./view.ts";

/** `contractId`: only that contract's tasks; null: all of them. */
export interface TaskFilter {
  live: boolean;
  contractId: string | null;
}

/** Newest first. */
export async function listTasks(db: Db, filter: TaskFilter, page: PageRequest): Promise<PageOf<Task>> {
  let query = selectTasks(db);
  if (filter.live) query = query.where("tasks.status", "in", TASK.live);
  if (filter.contractId !== null) query = query.where("tasks.contract_id", "=", filter.contractId);
  if (page.cursor !== undefined) query = query.where("tasks.id", "<", page.cursor);
  const rows = await query
    .orderBy("tasks.id", "desc")
    .limit(page.limit + 1)
    .execute();
  return newestFirst(await toTasks(db, rows), page);
}
