import { shortId } from "../../core/ids.ts";
import { CONNECTION_OPTIONS, defineCommand, TASK_ARGUMENT, taskArgument } from "../command.ts";
import { connect } from "../connect.ts";
import { inline } from "../format.ts";

export const pauseCommand = defineCommand({
  details: "The agent is asked to end; `makima resume` goes on with its session where it was.",
  arguments: [TASK_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima pause 3f2a91bc", "Pause the task whose id ends (or begins) like that"]],
  async run(context, input) {
    const id = taskArgument(context, input);
    const connection = await connect(context, input.options);
    const { task } = await connection.call("pauseTask", { id });
    context.output.line(`Pausing ${inline(task.name)} (${task.id}).`);
    context.output.line(`  makima resume ${shortId(task.id)}`);
    context.output.document({ task });
    return 0;
  },
});
