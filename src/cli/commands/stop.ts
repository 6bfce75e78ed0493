import { CONNECTION_OPTIONS, defineCommand, TASK_ARGUMENT, taskArgument } from "../command.ts";
import { connect } from "../connect.ts";
import { inline } from "../format.ts";

export const stopCommand = defineCommand({
  details: "The agent is asked to end, and killed when it does not; its worktree and branch stay.",
  arguments: [TASK_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima stop 3f2a91bc", "Stop the task whose id ends (or begins) like that"]],
  async run(context, input) {
    const id = taskArgument(context, input);
    const connection = await connect(context, input.options);
    const { task } = await connection.call("stopTask", { id });
    context.output.line(`Stopping ${inline(task.name)} (${task.id}).`);
    context.output.document({ task });
    return 0;
  },
});
