import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { listTasks } from "../../tasks/list.ts";
import { taskTable } from "../../tasks/table.ts";

export const supervisorTasksCommand = defineCommand({
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [
    ["makima supervisor tasks", "Within a task: those of its contract, the newest first"],
    ["makima supervisor tasks 9b1d04e7 --json", "Those of another contract, for a script"],
  ],
  async run(context, input) {
    const { output } = context;
    const contract = contractArgument(context, input);
    const connection = await connect(context, input.options);
    const { tasks } = await listTasks(connection, { live: false, contract });
    output.document({ tasks });
    if (tasks.length === 0) output.line("The contract has no tasks yet.");
    else for (const line of taskTable(tasks, Date.now())) output.line(line);
    return 0;
  },
});
