import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { treeLines, treeOf } from "../../supervisor/tree.ts";
import { listTasks } from "../../tasks/list.ts";

export const supervisorTreeCommand = defineCommand({
  details: "Which task was spawned by which, and what each waits for.",
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima supervisor tree", "Within a task: the tasks of its contract"]],
  async run(context, input) {
    const { output } = context;
    const contract = contractArgument(context, input);
    const connection = await connect(context, input.options);
    const roots = treeOf((await listTasks(connection, { live: false, contract })).tasks);
    output.document({ tree: roots });
    if (roots.length === 0) output.line("The contract has no tasks yet.");
    else for (const line of treeLines(roots)) output.line(line);
    return 0;
  },
});
