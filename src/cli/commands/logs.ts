import type { RunEvent } from "../../protocol/run-events.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, integer, TASK_ARGUMENT, taskArgument, text } from "../command.ts";
import { connect } from "../connect.ts";
import type { Context } from "../context.ts";
import { parseLogStream, tellBytes, tellEvents, tellText } from "../follow/tell-log.ts";
import type { LogAccess, LogRequest } from "../follow/tell-log.ts";
import { createSubscriber, tellTrouble } from "../subscribe.ts";

export const logsCommand = defineCommand({
  details:
    "Shows the latest run of the task, with --follow every later one too. With --json the events, with --follow one on " +
    "each line.",
  arguments: [TASK_ARGUMENT],
  options: {
    follow: flag("-f, --follow", "Go on until the task has ended, from run to run"),
    raw: flag("--raw", "The bytes as the agent printed them"),
    iteration: integer("--iteration <n>", "Of this iteration only", 1, 999_999),
    stream: text("--stream <name>", "What of the agent to show: out (default), err, or events for nothing of it"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima logs 3f2a91bc -f", "Watch a task"],
    ["makima logs 3f2a91bc --raw --iteration 2 --stream err", "What the agent wrote to stderr, byte for byte"],
  ],
  async run(context, input) {
    const { output } = context;
    const { follow, raw, iteration } = input.options;
    const id = taskArgument(context, input);
    const stream = parseLogStream(input.options.stream);
    const connection = await connect(context, input.options);
    const { task, cursor } = await connection.call("getTask", { id });
    await using subscriber = createSubscriber(connection, { onTrouble: tellTrouble(output) });
    const access = { context, connection, subscriber };
    const request = { task, cursor, follow, stream, iteration, tail: null };
    if (output.json) await printEvents(context, access, request);
    else if (raw) await tellBytes(access, request, (data) => output.bytes(data));
    else await printText(context, access, request);
    return 0;
  },
});

async function printEvents({ output }: Context, access: LogAccess, request: LogRequest): Promise<void> {
  if (request.follow) return tellEvents(access, request, (event) => output.document(event));
  const events: RunEvent[] = [];
  await tellEvents(access, request, (event) => void events.push(event));
  output.document({ task: request.task, events });
}

async function printText({ output }: Context, access: LogAccess, request: LogRequest): Promise<void> {
  if (request.task.runId === null && !request.follow) output.line("The task has not begun yet.");
  await tellText(access, request, (line) => output.text(line));
}
