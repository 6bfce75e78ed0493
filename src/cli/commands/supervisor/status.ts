import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { statusLines } from "../../contract/status-lines.ts";

export const supervisorStatusCommand = defineCommand({
  details: "Its phase and what that still has to deliver, its tasks, open questions, reports, and what to do next.",
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima supervisor status", "Within a task: its contract"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const status = await call("contractStatus", { id });
    output.document(status);
    for (const line of statusLines(context, status, Date.now())) output.line(line);
    return 0;
  },
});
