import { MakimaError } from "../../../core/errors.ts";
import { shortId } from "../../../core/ids.ts";
import type { Question } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, duration, idOf, list, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connect.ts";
import type { Context } from "../../context.ts";
import { block } from "../../format.ts";
import { readText } from "../../read-text.ts";
import type { TextKind } from "../../read-text.ts";
import { waitForChange } from "../../wait-for-change.ts";

const QUESTION: TextKind = {
  name: "question",
  max: 10_000,
  code: "usage",
  tooLong: "Put the details into a file of the contract, and let the question point at it.",
};

export const supervisorAskCommand = defineCommand({
  details:
    "People are notified. Blocks until one answers, and prints the answer and nothing else. Exit code 1: the question " +
    "was withdrawn; 7: nobody answered in time, but the question stays open, and the answer comes with the next prompt.",
  arguments: [{ name: "question", description: "What to ask; - reads stdin, @file a file", required: true }],
  options: {
    choice: list("--choice <text>", "An answer to choose; repeatable (default: any text is an answer)"),
    task: text("--task <task>", "Task that asks (default: MAKIMA_TASK_ID)"),
    timeout: duration("--timeout <duration>", "Wait no longer than this, such as 30m"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ['makima supervisor ask "Which name?" --choice old --choice new', "Wait for one of two answers"],
    ['makima supervisor ask "May I drop Node 18?" --timeout 30m', "Wait half an hour at most"],
  ],
  async run(context, { arguments: [given = ""], options }) {
    const { output } = context;
    const task = idOf(options.task ?? context.env["MAKIMA_TASK_ID"], "task", "makima supervisor tasks");
    const question = await readText(given, QUESTION, context);
    const connection = await connect(context, options);
    // Taken before it is asked: the answer cannot be missed.
    const { cursor } = await connection.call("getTask", { id: task });
    const asked = await connection.call("askQuestion", { id: task, text: question, choices: options.choice });
    const { timeout } = options;
    const closed = await answerTo(context, connection, { question: asked.question, cursor, timeout });
    output.document({ question: closed });
    if (closed.answer !== null) output.line(block(closed.answer));
    else output.error("makima: The question was withdrawn");
    return closed.answer === null ? 1 : 0;
  },
});

interface Asked {
  question: Question;
  cursor: number;
  timeout: number | null;
}

async function answerTo(
  context: Context,
  connection: Connection,
  { question, cursor, timeout }: Asked,
): Promise<Question> {
  const short = shortId(question.id);
  context.output.progress(`Asked (${short}); waiting for an answer...`);
  try {
    return await waitForChange(context, connection, {
      cursor,
      timeout,
      hear: ({ kind, id, data }) => {
        if (kind !== "question" || id !== question.id) return null;
        const state = data as Question;
        return state.status === "open" ? null : state;
      },
      otherwise: `The question stays open: the answer comes with the next prompt, or see \`makima question show ${short}\`.`,
    });
  } catch (error) {
    // Whoever reads documents learns its id all the same.
    if (error instanceof MakimaError && error.code === "timed_out") context.output.document({ question });
    throw error;
  }
}
