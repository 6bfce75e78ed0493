import { ownContract, requireOwn } from "../auth/scope.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { askQuestion } from "./ask.ts";
import { answerQuestion, withdrawQuestion } from "./close.ts";
import { listQuestions } from "./list.ts";
import { askingRun, requireOwnQuestion } from "./own.ts";
import { getQuestion } from "./questions.ts";

export const questionReads: Pick<ReadHandlers, "listQuestions" | "getQuestion"> = {
  async listQuestions({ db, principal }, { query }) {
    const named = query.contract === undefined ? null : await resolveId(db, "contracts", query.contract);
    if (named !== null) requireOwn(principal, named);
    const filter = { open: query.open === "true", contractId: named ?? ownContract(principal) };
    const { items, next } = await listQuestions(db, filter, query);
    return { questions: items, next };
  },

  async getQuestion({ db, principal }, { params }) {
    const question = await getQuestion(db, await resolveId(db, "questions", params.id));
    requireOwn(principal, question.contractId);
    return { question };
  },
};

export const questionWrites: Pick<WriteHandlers, "askQuestion" | "answerQuestion" | "withdrawQuestion"> = {
  async askQuestion({ tx, principal }, { params, body }) {
    const taskId = await resolveId(tx.db, "tasks", params.id);
    const runId = await askingRun(tx.db, principal, taskId);
    return { question: await askQuestion(tx, { taskId, runId, ...body }) };
  },

  async answerQuestion({ tx }, { params, body }) {
    return { question: await answerQuestion(tx, await resolveId(tx.db, "questions", params.id), body.answer) };
  },

  async withdrawQuestion({ tx, principal }, { params }) {
    const id = await resolveId(tx.db, "questions", params.id);
    await requireOwnQuestion(tx.db, principal, id);
    return { question: await withdrawQuestion(tx, id) };
  },
};
