import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { runOperation } from "../../operations.ts";

export const supervisorRestoreCommand = defineCommand({
  details:
    "Puts the task's checkout back to a checkpoint, while no agent works in it: pause or cancel the task first. Its present " +
    "state becomes a checkpoint before that.",
  arguments: [
    idArgument("task"),
    { name: "checkpoint", description: "Name of the checkpoint, see `makima supervisor checkpoints`", required: true },
  ],
  options: CONNECTION_OPTIONS,
  examples: [["makima supervisor restore 3f2a91bc 4", "The state after its fourth iteration"]],
  async run(context, input) {
    const { output } = context;
    const [given, checkpoint = ""] = input.arguments;
    const task = idOf(given, "task", "makima supervisor tasks");
    const connection = await connect(context, input.options);
    const restored = await runOperation(connection, context, { kind: "RestoreCheckpoint", task, checkpoint });
    const { commit, saved } = restored;
    output.document(restored);
    output.line(`The checkout is as at ${commit.slice(0, 12)} again.`);
    output.line(saved === null ? "Nothing had to change." : `What was there before is the checkpoint ${saved.name}.`);
    return 0;
  },
});
