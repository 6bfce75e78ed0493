import type { Selectable, Updateable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { QUESTION, transition } from "../../core/task-state.ts";
import type { QuestionEvent } from "../../core/task-state.ts";
import type { Question } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { fromJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { QuestionsTable } from "../db/tables.ts";
import { settleNotification } from "../notifications/notifications.ts";

/** Throws `not_found`. */
export async function getQuestion(db: Db, id: string): Promise<Question> {
  const row = await db.selectFrom("questions").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no question ${id}`);
  return toQuestion(row);
}

/**
 * Takes a question through one event of its state machine, which closes it: publishes it, and marks its notification as
 * read. Throws `conflict` when it is closed already.
 */
export async function closeQuestion(
  tx: Write,
  id: string,
  event: QuestionEvent,
  set: Pick<Updateable<QuestionsTable>, "answer">,
): Promise<Question> {
  const { status } = await getQuestion(tx.db, id);
  const next = transition(QUESTION, status, event);
  if (next === null) throw new MakimaError("conflict", `The question is ${status} already`);
  await tx.db
    .updateTable("questions")
    .set({ ...set, status: next, closed_at: tx.now })
    .where("id", "=", id)
    .execute();
  await settleNotification(tx, "question-asked", id);
  return publishQuestion(tx, id);
}

/** Nobody waits for answers any more: the task's run has ended. */
export async function withdrawQuestions(tx: Write, taskId: string): Promise<void> {
  const open = await openQuestions(tx.db, taskId);
  for (const { id } of open) await closeQuestion(tx, id, "withdraw", {});
}

/** Oldest first; a task has few. */
export async function openQuestions(db: Db, taskId: string): Promise<Pick<QuestionsTable, "id" | "text">[]> {
  return db
    .selectFrom("questions")
    .select(["id", "text"])
    .where("task_id", "=", taskId)
    .where("status", "=", "open")
    .orderBy("id")
    .execute();
}

/** Puts the question as it now is into the change feed. */
export async function publishQuestion(tx: Write, id: string): Promise<Question> {
  const question = await getQuestion(tx.db, id);
  await recordChange(tx, { kind: "question", id, contractId: question.contractId, data: { ...question } });
  return question;
}

export function toQuestion(row: Selectable<QuestionsTable>): Question {
  return {
    id: row.id,
    contractId: row.contract_id,
    taskId: row.task_id,
    text: row.text,
    choices: fromJson(row.choices),
    status: row.status,
    answer: row.answer,
    createdAt: row.created_at,
    closedAt: row.closed_at,
  };
}
