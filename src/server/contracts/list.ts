import { sql } from "kysely";
import type { Contract, Task } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";
import { selectTasks, toTasks } from "../tasks/view.ts";
import { toContract } from "./contracts.ts";

/** Newest first, without deleted ones. `only`: at most that contract; null: all of them. */
export async function listContracts(db: Db, only: string | null, page: PageRequest): Promise<PageOf<Contract>> {
  let query = db.selectFrom("contracts").selectAll().where(SHOWN);
  if (only !== null) query = query.where("id", "=", only);
  if (page.cursor !== undefined) query = query.where("id", "<", page.cursor);
  const rows = await query
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return newestFirst(rows.map(toContract), page);
}

/** Word for word the condition of the index `contracts_shown`. */
const SHOWN = sql<boolean>`status <> 'deleted'`;

/** Oldest first. */
export async function tasksOfContract(db: Db, id: string): Promise<Task[]> {
  const rows = await selectTasks(db).where("tasks.contract_id", "=", id).orderBy("tasks.id").execute();
  return toTasks(db, rows);
}
