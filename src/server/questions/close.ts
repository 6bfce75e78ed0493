import { MakimaError } from "../../core/errors.ts";
import type { Question } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
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
  return close(tx, await closeQuestion(tx, id, "answer", { answer }));
}

/** Throws `not_found`, or `conflict` when it is closed already. */
export async function withdrawQuestion(tx: Write, id: string): Promise<Question> {
  return close(tx, await closeQuestion(tx, id, "withdraw", {}));
}

async function close(tx: Write, question: Question): Promise<Question> {
  await waitForAnswers(tx, question.taskId);
  return question;
}
