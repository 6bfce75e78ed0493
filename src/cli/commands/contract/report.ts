import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { REPORT } from "../../contract/texts.ts";
import { readText } from "../../read-text.ts";

export const contractReportCommand = defineCommand({
  details: "Whoever follows the task or watches the contract sees it at once, and it stands in the contract's status.",
  arguments: [
    { name: "text", description: "How it goes, in a sentence or two; - reads stdin, @file a file", required: true },
    CONTRACT_ARGUMENT,
  ],
  options: CONNECTION_OPTIONS,
  examples: [['makima contract report "The parser is done; now the tests"', "Within a task: say how it goes"]],
  async run(context, input) {
    const [given = "", ...rest] = input.arguments;
    const id = contractArgument(context, { ...input, arguments: rest });
    const text = await readText(given, REPORT, context);
    const { call } = await connect(context, input.options);
    const { report } = await call("createReport", { id, text });
    context.output.line("Reported.");
    context.output.document({ report });
    return 0;
  },
});
