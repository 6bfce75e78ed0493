import { escapeForTerminal, stripAnsi } from "../../../core/text.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";
import { taskTable } from "../../tasks/table.ts";

export const contractShowCommand = defineCommand({
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract show 3f2a91bc", "Its goal, its state and its tasks"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const { contract, tasks } = await call("getContract", { id });
    output.document({ contract, tasks });
    output.line(output.style("bold", inline(contract.name)));
    output.line(`${contract.id}, ${inline(contract.type)}, ${contract.status}`);
    output.line("");
    output.line(escapeForTerminal(stripAnsi(contract.goal), { keepNewlines: true }));
    output.line("");
    for (const line of taskTable(tasks, Date.now())) output.line(line);
    return 0;
  },
});
