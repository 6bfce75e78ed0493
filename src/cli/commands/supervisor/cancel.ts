import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export const supervisorCancelCommand = defineCommand({
  details:
    "The agent is asked to end, and killed when it does not; its worktree and branch stay, and `resume` goes on.",
  arguments: [idArgument("task")],
  options: { reason: text("--reason <text>", "Why, for whoever looks at the task later"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima supervisor cancel 3f2a91bc", "Stop the task whose id ends (or begins) like that"],
    ['makima supervisor cancel 3f2a91bc --reason "The parser does it already"', "Say why"],
  ],
  async run(context, input) {
    const id = idOf(input.arguments[0], "task", "makima supervisor tasks");
    const { call } = await connect(context, input.options);
    const reason = input.options.reason?.trim() || defaultReason(context.env);
    const { task } = await call("stopTask", { id, ...(reason === null ? {} : { reason }) });
    context.output.line(`Cancelling ${inline(task.name)} (${task.id}).`);
    context.output.document({ task });
    return 0;
  },
});

/** null: as the server puts it, for whom a person does it. */
function defaultReason(env: Record<string, string | undefined>): string | null {
  return env["MAKIMA_TASK_ID"] ? "Cancelled by the supervisor" : null;
}
