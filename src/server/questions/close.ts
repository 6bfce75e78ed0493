import { MakimaError } from "../../core/errors.ts";
import { TOLD } from "../../core/supervision.ts";
import type { Question } from "../../protocol/api.ts";
import type { Db, Write } from "../db/store.ts";
import { sendMessage } from "../messages/messages.ts";
import { nudgeIdle } from "../messages/nudge.ts";
import { closeQuestion, getQuestion } from "./questions.ts";
import { waitForAnswers } from "./wait.ts";

/** Throws `not_found`, `conflict` when it is closed already, `invalid_request` for an answer that is not among its choices. */
export async function answerQuestion(tx: Write, id: string, answer: string): Promise<Question> {
  const { choices } = await getQuestion(tx.db, id);
  if (choices.length > 0 && !choices.includes(answer)) {
    const named = choices.map((choice) => JSON.stringify(choice)).join(", ");
    throw new MakimaError("invalid_request", `The answer is not one of the question's choices: ${named}`, {
      hint: "Answer with one of them, word for word.",
    });
  }
  const question = await closeQuestion(tx, id, "answer", { answer });
  // Also where the agent still waits for it in a command: that may have been given up without a word.
  if (await isAgents(tx.db, id)) {
    await sendMessage(tx, question.taskId, "event", TOLD.answered({ id, text: question.text, answer }));
  }
  return close(tx, question);
}

/** Throws `not_found`, or `conflict` when it is closed already. */
export async function withdrawQuestion(tx: Write, id: string): Promise<Question> {
  return close(tx, await closeQuestion(tx, id, "withdraw", {}));
}

/** Whether it was an agent that asked, which then is to hear of the answer. */
async function isAgents(db: Db, id: string): Promise<boolean> {
  const { run_id } = await db.selectFrom("questions").select("run_id").where("id", "=", id).executeTakeFirstOrThrow();
  return run_id !== null;
}

async function close(tx: Write, question: Question): Promise<Question> {
  await waitForAnswers(tx, question.taskId);
  // Nobody is told of a question that is withdrawn: it may have been the last thing that a supervisor waited for.
  await nudgeIdle(tx, question.contractId);
  return question;
}
