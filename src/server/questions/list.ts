import { sql } from "kysely";
import type { Question } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";
import { toQuestion } from "./questions.ts";

/** `contractId`: only that contract's questions; null: all of them. */
export interface QuestionFilter {
  open: boolean;
  contractId: string | null;
}

/** Newest first. */
export async function listQuestions(db: Db, filter: QuestionFilter, page: PageRequest): Promise<PageOf<Question>> {
  let query = db.selectFrom("questions").selectAll();
  // Written out, not as a parameter, so that the index of the open ones can be used.
  if (filter.open) query = query.where("status", "=", sql.lit("open"));
  if (filter.contractId !== null) query = query.where("contract_id", "=", filter.contractId);
  if (page.cursor !== undefined) query = query.where("id", "<", page.cursor);
  const rows = await query
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return newestFirst(rows.map(toQuestion), page);
}
