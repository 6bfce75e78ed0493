import { shortId } from "../../core/ids.ts";
import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../command.ts";
import type { Command } from "../command.ts";
import { connect } from "../connect.ts";
import { inline } from "../format.ts";
import { readText } from "../read-text.ts";
import type { TextKind } from "../read-text.ts";

/** What a task's agent is told. */
export const MESSAGE: TextKind = {
  name: "message",
  max: 100_000,
  code: "usage",
  tooLong: "Put the details into a file of the repository, and let the message point at it.",
};

export interface MessageWords {
  /** What is typed for it. */
  command: string;
  /** What shows how the agent takes it. */
  watch: string;
}

/** A command that says something to a task's agent. */
export function messageCommandOf({ command, watch }: MessageWords): Command {
  return defineCommand({
    details:
      "The agent is interrupted, and goes on in the same session with the message; that of a task that has not begun " +
      "hears it first of all.",
    arguments: [
      idArgument("task"),
      { name: "text", description: "What to say; - reads stdin, @file a file", required: true },
    ],
    options: CONNECTION_OPTIONS,
    examples: [
      [`${command} 3f2a91bc "Leave the public API as it is"`, "Say it to the agent at work"],
      [`${command} 3f2a91bc @review.md`, "Send it a file's content"],
    ],
    async run(context, input) {
      const id = idOf(input.arguments[0], "task", "makima ps");
      const text = await readText(input.arguments[1] ?? "", MESSAGE, context);
      const connection = await connect(context, input.options);
      const { task } = await connection.call("messageTask", { id, text });
      context.output.line(`Told the agent of ${inline(task.name)} (${task.id}).`);
      context.output.line(`  ${watch} ${shortId(task.id)}`);
      context.output.document({ task });
      return 0;
    },
  });
}
