import type { Catalog } from "./entry.ts";

export const QUESTION: Catalog = {
  list: {
    summary: "List the questions that wait for an answer",
    load: async () => (await import("../commands/question/list.ts")).questionListCommand,
  },
  show: {
    summary: "Show a question",
    load: async () => (await import("../commands/question/show.ts")).questionShowCommand,
  },
  answer: {
    summary: "Answer a question",
    load: async () => (await import("../commands/question/answer.ts")).questionAnswerCommand,
  },
};
