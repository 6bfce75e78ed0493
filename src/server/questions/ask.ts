import { MakimaError } from "../../core/errors.ts";
import { TOLD } from "../../core/supervision.ts";
import { isTerminal, QUESTION, TASK } from "../../core/task-state.ts";
import type { Question } from "../../protocol/api.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { tellSupervisors } from "../messages/messages.ts";
import { notifyQuestion } from "../notifications/occasions.ts";
import { openQuestions, publishQuestion } from "./questions.ts";
import { waitForAnswers } from "./wait.ts";

/** Open questions of one task: more than a person is going to answer, and what an agent that went astray can make. */
const MOST_OPEN = 20;

export interface NewQuestion {
  taskId: string;
  /** The run whose agent asks; null when a person does. */
  runId: string | null;
  text: string;
  /** Answers to choose from; empty: any text. */
  choices: string[];
}

/** Opens a question, tells people of it, and lets its task wait. Throws `not_found`, or `conflict` for a task that has ended. */
export async function askQuestion(tx: Write, { taskId, runId, text, choices }: NewQuestion): Promise<Question> {
  const task = await tx.db
    .selectFrom("tasks")
    .select(["id", "name", "role", "contract_id", "status"])
    .where("id", "=", taskId)
    .executeTakeFirst();
  if (task === undefined) throw new MakimaError("not_found", `There is no task ${taskId}`);
  if (isTerminal(TASK, task.status)) throw new MakimaError("conflict", `The task is ${task.status} already`);
  if ((await openQuestions(tx.db, taskId)).length >= MOST_OPEN) {
    throw new MakimaError("conflict", `The task has ${MOST_OPEN} open questions already`);
  }
  const id = newId(tx.now);
  await tx.db
    .insertInto("questions")
    .values({
      id,
      contract_id: task.contract_id,
      task_id: taskId,
      run_id: runId,
      text,
      choices: toJson(choices),
      status: QUESTION.initial,
      answer: null,
      created_at: tx.now,
      closed_at: null,
    })
    .execute();
  const question = await publishQuestion(tx, id);
  await notifyQuestion(tx, question);
  if (runId !== null && task.role === "worker") {
    await tellSupervisors(tx, task.contract_id, TOLD.taskAsks(task, question));
  }
  await waitForAnswers(tx, taskId);
  return question;
}
