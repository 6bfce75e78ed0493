import { shortId } from "../../../core/ids.ts";
import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { readText } from "../../read-text.ts";
import type { TextKind } from "../../read-text.ts";

const ANSWER: TextKind = {
  name: "answer",
  max: 10_000,
  code: "usage",
  tooLong: "Put the details into a file of the repository, and let the answer point at it.",
};

export const questionAnswerCommand = defineCommand({
  details: "The agent that asked goes on with it.",
  arguments: [
    idArgument("question"),
    { name: "text", description: "The answer; - reads stdin, @file a file", required: true },
  ],
  options: CONNECTION_OPTIONS,
  examples: [['makima question answer 3f2a91bc "Keep the old name"', "Answer it"]],
  async run(context, input) {
    const id = idOf(input.arguments[0], "question", "makima question list");
    const answer = await readText(input.arguments[1] ?? "", ANSWER, context);
    const { call } = await connect(context, input.options);
    const { question } = await call("answerQuestion", { id, answer });
    context.output.line(`Answered; task ${shortId(question.taskId)} goes on.`);
    context.output.document({ question });
    return 0;
  },
});
