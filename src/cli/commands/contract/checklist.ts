import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { deliverableLines, goalLines } from "../../contract/checklist.ts";

export const contractChecklistCommand = defineCommand({
  details: "What the contract is to reach, what its present phase has to deliver, and what of both is there.",
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract checklist", "Within a task: what is still missing"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const { contract, nextPhase, deliverables } = await call("contractStatus", { id });
    const { goals, phase } = contract;
    output.document({ goals, phase, nextPhase, deliverables });
    const lists: [title: string, lines: string[]][] = [
      ["Goals", goalLines(goals, output.style)],
      [`Deliverables of ${phase}`, deliverableLines(deliverables, output.style)],
    ];
    for (const [title, lines] of lists) {
      output.line(output.style("bold", `${title}:`));
      for (const line of lines.length === 0 ? ["none"] : lines) output.line(`  ${line}`);
    }
    return 0;
  },
});
