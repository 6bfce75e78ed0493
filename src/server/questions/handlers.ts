import { listedContract, resolveOwn } from "../auth/scope.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { askQuestion } from "./ask.ts";
import { answerQuestion, withdrawQuestion } from "./close.ts";
import { listQuestions } from "./list.ts";
import { askingRun, requireOwnQuestion } from "./own.ts";
import { getQuestion } from "./questions.ts";

export const questionReads: Pick<ReadHandlers, "listQuestions" | "getQuestion"> = {
  async listQuestions({ db, principal }, { query }) {
    const contractId = await listedContract(db, principal, query.contract);
    const filter = { open: query.open === "true", contractId };
    const { items, next } = await listQuestions(db, filter, query);
    return { questions: items, next };
  },

  async getQuestion({ db, principal }, { params }) {
    return { question: await getQuestion(db, await resolveOwn(db, principal, "questions", params.id)) };
  },
};

export const questionWrites: Pick<WriteHandlers, "askQuestion" | "answerQuestion" | "withdrawQuestion"> = {
  async askQuestion({ tx, principal }, { params, body }) {
    const taskId = await resolveOwn(tx.db, principal, "tasks", params.id);
    const runId = await askingRun(tx.db, principal, taskId);
    return { question: await askQuestion(tx, { taskId, runId, ...body }) };
  },

  async answerQuestion({ tx }, { params, body }) {
    return { question: await answerQuestion(tx, await resolveId(tx.db, "questions", params.id), body.answer) };
  },

  async withdrawQuestion({ tx, principal }, { params }) {
    const id = await resolveOwn(tx.db, principal, "questions", params.id);
    await requireOwnQuestion(tx.db, principal, id);
    return { question: await withdrawQuestion(tx, id) };
  },
};
