import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { suggestionLines } from "../../contract/status-lines.ts";

export const contractSuggestActionCommand = defineCommand({
  details:
    "From what is so now: missing deliverables, failing checks, open questions, tasks that are not merged. The most " +
    "urgent comes first, each with the command that does it.",
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract suggest-action", "Within a task: what its contract needs now"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const { contract, suggestions } = await call("contractStatus", { id });
    output.document({ suggestions });
    if (suggestions.length === 0) output.line("There is nothing to do now.");
    else for (const line of suggestionLines(context, contract, suggestions)) output.line(line);
    return 0;
  },
});
