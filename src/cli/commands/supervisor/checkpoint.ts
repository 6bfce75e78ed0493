import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, TASK_ARGUMENT, taskArgument, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { runOperation } from "../../operations.ts";
import { readText } from "../../read-text.ts";
import type { TextKind } from "../../read-text.ts";

const MESSAGE: TextKind = { name: "message", max: 10_000, code: "usage", tooLong: "Say it in a few lines." };

export const supervisorCheckpointCommand = defineCommand({
  details:
    "Keeps the whole state of the task's checkout, uncommitted files too, as a commit that is on no branch. makima makes " +
    "one after each iteration by itself.",
  arguments: [TASK_ARGUMENT],
  options: {
    message: text("-m, --message <text>", "What it is the state of; - reads stdin, @file a file. Required"),
    ...CONNECTION_OPTIONS,
  },
  examples: [['makima supervisor checkpoint -m "Before the big move"', "Within a task: its own checkout"]],
  async run(context, input) {
    const task = taskArgument(context, input);
    if (input.options.message === null) {
      throw new MakimaError("usage", "The checkpoint has no message", {
        hint: 'Say what it is: -m "Before the move".',
      });
    }
    const message = await readText(input.options.message, MESSAGE, context);
    const connection = await connect(context, input.options);
    const checkpoint = await runOperation(connection, context, { kind: "CreateCheckpoint", task, message });
    context.output.line(`Checkpoint ${checkpoint.name} is ${checkpoint.commit.slice(0, 12)}.`);
    context.output.document({ checkpoint });
    return 0;
  },
});
