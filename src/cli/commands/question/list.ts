import { shortId } from "../../../core/ids.ts";
import type { Question } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import { brief, elapsed, table } from "../../format.ts";
import { allOf } from "../../pages.ts";

export const questionListCommand = defineCommand({
  arguments: [],
  options: { all: flag("-a, --all", "Also those that were answered or withdrawn"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima question list", "What waits for an answer"],
    ["makima question list --all --json", "Everything that was ever asked, for a script"],
  ],
  async run(context, { options }) {
    const { output } = context;
    const { call } = await connect(context, options);
    const questions = await allOf(
      (query) => call("listQuestions", { open: options.all ? "false" : "true", ...query }),
      (page) => page.questions,
    );
    output.document({ questions });
    if (questions.length === 0)
      output.line(options.all ? "Nothing was asked yet." : "No question waits for an answer.");
    else for (const line of questionTable(questions, Date.now())) output.line(line);
    return 0;
  },
});

const MAX_TEXT = 80;

function questionTable(questions: Question[], now: number): string[] {
  const rows = questions.map(({ id, status, taskId, createdAt, text }) => [
    shortId(id),
    status,
    shortId(taskId),
    elapsed(Math.max(0, now - createdAt)),
    brief(text, MAX_TEXT),
  ]);
  return table([["QUESTION", "STATUS", "TASK", "AGE", "TEXT"], ...rows]);
}
