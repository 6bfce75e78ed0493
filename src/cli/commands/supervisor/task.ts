import { CONNECTION_OPTIONS, defineCommand, TASK_ARGUMENT, taskArgument } from "../../command.ts";
import { connect } from "../../connect.ts";
import { taskFacts } from "../../supervisor/task-facts.ts";
import { taskLines } from "../../supervisor/task-lines.ts";

export const supervisorTaskCommand = defineCommand({
  details:
    "Its state and run, every iteration with gate and verdict, cost, branch, checkout and changed files, checks and what " +
    "they prove, merge state, parent, what it comes after, and its latest reports.",
  arguments: [TASK_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [
    ["makima supervisor task 3f2a91bc", "Everything about a task"],
    ["makima supervisor task --json", "Within a task: about itself, for a script"],
  ],
  async run(context, input) {
    const { output } = context;
    const id = taskArgument(context, input);
    const connection = await connect(context, input.options);
    const facts = await taskFacts(context, connection, id);
    const { detail, ...more } = facts;
    output.document({ ...detail, ...more });
    for (const line of taskLines(facts, Date.now(), output.style)) output.line(line);
    return 0;
  },
});
