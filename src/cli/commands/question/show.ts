import { shortId } from "../../../core/ids.ts";
import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { block, inline } from "../../format.ts";

export const questionShowCommand = defineCommand({
  arguments: [idArgument("question")],
  options: CONNECTION_OPTIONS,
  examples: [["makima question show 3f2a91bc", "All of its text, and the answers to choose from"]],
  async run(context, input) {
    const { output } = context;
    const id = idOf(input.arguments[0], "question", "makima question list");
    const { call } = await connect(context, input.options);
    const { question } = await call("getQuestion", { id });
    output.document({ question });
    output.line(block(question.text));
    for (const choice of question.choices) output.line(`  - ${inline(choice)}`);
    output.line("");
    output.line(`${question.status}; asked by task ${shortId(question.taskId)}`);
    if (question.answer !== null) output.line(`Answer: ${inline(question.answer)}`);
    if (question.status === "open") output.line(`  makima question answer ${shortId(question.id)} TEXT`);
    return 0;
  },
});
