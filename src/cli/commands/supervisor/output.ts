import { LineSplitter } from "../../../core/agents/lines.ts";
import { MAX_FRAME_DATA } from "../../../protocol/streams.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, integer, TASK_ARGUMENT, taskArgument, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { parseLogStream, tellBytes, tellText } from "../../follow/tell-log.ts";
import type { LogAccess, LogRequest } from "../../follow/tell-log.ts";
import type { Output } from "../../output.ts";
import { createSubscriber, tellTrouble } from "../../subscribe.ts";
import { TextEnd } from "../../supervisor/text-end.ts";

/** A document is for a program that wants to see how it goes: of long output it has the end (bytes). */
const MAX_DOCUMENT_TEXT = 128 * 1024;

const MAX_TAIL = 100_000;

export const supervisorOutputCommand = defineCommand({
  details:
    "Prints what the agent of the task's latest run printed, byte for byte, or with --text as a person reads it. With " +
    "--json the end of it as one document, with --follow one document for each line.",
  arguments: [TASK_ARGUMENT],
  options: {
    iteration: integer("--iteration <n>", "Of this iteration only", 1, 999_999),
    stream: text("--stream <name>", "Which of the agent's streams: out (default) or err; or events, what makima did"),
    text: flag("--text", "Readable text, as `makima logs` shows it, instead of the agent's own format"),
    tail: integer("--tail <n>", "Only the last lines", 1, MAX_TAIL),
    follow: { ...flag("-f, --follow", "Go on until the task has ended, from run to run"), watches: true },
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima supervisor output 3f2a91bc --text --tail 50", "What it did last"],
    ["makima supervisor output 3f2a91bc -f", "Its stream as it comes"],
    ["makima supervisor output 3f2a91bc --iteration 2 --stream err", "What the agent wrote to stderr"],
  ],
  async run(context, input) {
    const { output } = context;
    const { follow, iteration, tail, text: isText } = input.options;
    const id = taskArgument(context, input);
    const stream = parseLogStream(input.options.stream);
    const connection = await connect(context, input.options);
    const { task, cursor } = await connection.call("getTask", { id });
    await using subscriber = createSubscriber(connection, { onTrouble: tellTrouble(output) });
    const access = { context, connection, subscriber };
    const request = { task, cursor, follow, stream, iteration, tail };
    if (!output.json) await print(access, request, isText);
    else if (follow) await printLines(access, request, isText);
    else await printDocument(access, request, isText);
    return 0;
  },
});

async function print(access: LogAccess, request: LogRequest, isText: boolean): Promise<void> {
  const { output } = access.context;
  if (isText) await tellText(access, request, (line) => output.text(line));
  else await tellBytes(access, request, (data) => output.bytes(data));
}

async function printLines(access: LogAccess, request: LogRequest, isText: boolean): Promise<void> {
  const { output } = access.context;
  if (isText) return tellText(access, request, (line) => output.document({ text: line.trimEnd() }));
  const lines = new LineSplitter(MAX_FRAME_DATA, MAX_FRAME_DATA);
  // Waits for a slow reader, so that nothing piles up.
  await tellBytes(access, request, async (data) => {
    for (const { text: line } of lines.push(data)) await printLine(output, line);
  });
  for (const { text: line } of lines.end()) await printLine(output, line);
}

function printLine(output: Output, line: string): Promise<void> {
  return output.bytes(Buffer.from(`${JSON.stringify({ text: line })}\n`));
}

async function printDocument(access: LogAccess, request: LogRequest, isText: boolean): Promise<void> {
  const { id, name, status, runId } = request.task;
  const end = new TextEnd(MAX_DOCUMENT_TEXT);
  if (isText) await tellText(access, request, (line) => end.add(Buffer.from(line)));
  else await tellBytes(access, request, (data) => end.add(data));
  const { stream, iteration } = request;
  access.context.output.document({ task: { id, name, status }, runId, stream, iteration, ...end.toText() });
}
