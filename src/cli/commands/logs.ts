import type { Subscriber } from "../../client/subscriber.ts";
import { MakimaError } from "../../core/errors.ts";
import type { Task } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, integer, TASK_ARGUMENT, taskArgument, text } from "../command.ts";
import type { Input } from "../command.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { followTask } from "../follow/follow-task.ts";
import type { Reading } from "../follow/follow-task.ts";
import { agentKind } from "../follow/follow-to-end.ts";
import { LiveStream } from "../follow/live-stream.ts";
import { RunReader } from "../follow/read-run.ts";
import type { RunListener } from "../follow/read-run.ts";
import { TaskView } from "../follow/view.ts";
import { createSubscriber, tellTrouble } from "../subscribe.ts";

const STREAMS = ["out", "err", "events"];

const options = {
  follow: flag("-f, --follow", "Go on until the task has ended, from run to run"),
  raw: flag("--raw", "The bytes as the agent printed them"),
  iteration: integer("--iteration <n>", "Of this iteration only", 1, 999_999),
  stream: text("--stream <name>", "What of the agent to show: out (default), err, or events for nothing of it"),
  ...CONNECTION_OPTIONS,
};

export const logsCommand = defineCommand({
  details:
    "Shows the latest run of the task, with --follow every later one too. With --json the events, with --follow one on " +
    "each line.",
  arguments: [TASK_ARGUMENT],
  options,
  examples: [
    ["makima logs 3f2a91bc -f", "Watch a task"],
    ["makima logs 3f2a91bc --raw --iteration 2 --stream err", "What the agent wrote to stderr, byte for byte"],
  ],
  async run(context, input) {
    const id = taskArgument(context, input);
    requireStream(input.options.stream);
    const connection = await connect(context, input.options);
    const { task, cursor } = await connection.call("getTask", { id });
    await using subscriber = createSubscriber(connection, { onTrouble: tellTrouble(context.output) });
    const request = { task, options: input.options };
    if (input.options.follow) await follow(context, connection, subscriber, { ...request, cursor });
    else await show(context, connection, subscriber, request);
    return 0;
  },
});

type Options = Input<typeof options>["options"];

interface Request {
  task: Task;
  options: Options;
}

function requireStream(stream: string | null): void {
  if (stream === null || STREAMS.includes(stream)) return;
  throw new MakimaError("usage", `There is no stream "${stream}"`, { hint: `Choose one of ${STREAMS.join(", ")}.` });
}

/** Every run from the latest on, until the task has ended. */
async function follow(
  context: Context,
  connection: Connection,
  subscriber: Subscriber,
  { cursor, ...request }: Request & { cursor: number },
): Promise<void> {
  const { output } = context;
  const view = viewOf(context, connection, request);
  const listener = output.json ? { event: (event: RunEvent) => output.document(event) } : view;
  await followTask(
    subscriber,
    { task: request.task, cursor, signal: output.closed },
    {
      task: (task) => (output.json || request.options.raw ? undefined : view.task(task)),
      read: (runId) => readRun(context, subscriber, runId, request.options, listener),
    },
  );
}

/** What there is of the latest run. */
async function show(
  context: Context,
  connection: Connection,
  subscriber: Subscriber,
  { task, options: wanted }: Request,
): Promise<void> {
  const { output } = context;
  const events: RunEvent[] = [];
  if (task.runId === null) output.line("The task has not begun yet.");
  else {
    const view = viewOf(context, connection, { task, options: wanted });
    const listener = output.json ? { event: (event: RunEvent) => void events.push(event) } : view;
    const reading = readRun(context, subscriber, task.runId, wanted, listener);
    output.closed.addEventListener("abort", () => reading.abandon());
    await reading.ended;
    if (!output.closed.aborted) await reading.finish();
  }
  output.document({ task, events });
}

function readRun(
  { output }: Context,
  subscriber: Subscriber,
  runId: string,
  { raw, follow: isFollowed, stream, iteration }: Options,
  listener: RunListener,
): Reading {
  const shared = { runId, from: 0, follow: isFollowed };
  if (raw && !output.json && stream === "events") {
    const onData = (data: Uint8Array) => output.bytes(data);
    return new LiveStream(subscriber, { ...shared, stream: EVENTS, onData });
  }
  return new RunReader(subscriber, { ...shared, output: stream === "err" ? "err" : "out" }, only(iteration, listener));
}

/** How the run is told to a person. */
function viewOf(context: Context, connection: Connection, { task, options: wanted }: Request): LogView {
  const { output } = context;
  if (wanted.raw) return { task: () => {}, event: () => {}, output: (_, data) => output.bytes(data) };
  // Who asks for the log wants all of it, terminal or not. stderr is plain text, whatever the agent speaks on stdout.
  const story = { live: true, write: (lines: string) => output.text(lines), style: output.style };
  const view = new TaskView(story, wanted.stream === "err" ? "command" : agentKind(connection, task));
  const tell = { task: (state: Task) => view.task(state), event: (event: RunEvent) => view.event(event) };
  if (wanted.stream === "events") return tell;
  return { ...tell, output: (index, data) => view.output(index, data) };
}

interface LogView extends RunListener {
  task(task: Task): void;
}

/** The part of a run that belongs to one iteration; null: all of it. */
function only(iteration: number | null, { event, output }: RunListener): RunListener {
  const isWanted = (index: number | null) => iteration === null || index === iteration;
  return {
    event: (told) => (isWanted("index" in told ? told.index : null) ? event(told) : undefined),
    ...(output === undefined
      ? {}
      : { output: (index: number, data: Uint8Array) => (isWanted(index) ? output(index, data) : undefined) }),
  };
}
