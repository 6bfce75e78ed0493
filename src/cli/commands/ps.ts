import { CONNECTION_OPTIONS, defineCommand, flag } from "../command.ts";
import { connect } from "../connect.ts";
import { listTasks } from "../tasks/list.ts";
import { taskTable } from "../tasks/table.ts";

export const psCommand = defineCommand({
  details:
    "With --watch a terminal shows the list as it changes, until q or Ctrl-C; anything else gets one JSON document " +
    "for each task, and for each change of one.",
  arguments: [],
  options: {
    all: flag("-a, --all", "Also those that have ended"),
    watch: flag("-w, --watch", "Go on, and show every change"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima ps", "What is at work or waiting"],
    ["makima ps --watch", "The same, as it changes"],
    ["makima ps --all --json", "Everything, for a script"],
  ],
  async run(context, { options }) {
    const { output } = context;
    const connection = await connect(context, options);
    const list = await listTasks(connection, { live: !options.all });
    if (options.watch) {
      const { watchTasks } = await import("../watch/watch-tasks.ts");
      return watchTasks(context, connection, { ...list, all: options.all });
    }
    output.document({ tasks: list.tasks });
    if (list.tasks.length === 0) output.line(options.all ? "There are no tasks yet." : "No task is at work.");
    else for (const line of taskTable(list.tasks, Date.now())) output.line(line);
    return 0;
  },
});
