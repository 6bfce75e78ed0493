import { MakimaError } from "../../core/errors.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Task } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, integer, TASK_ARGUMENT, taskArgument, text } from "../command.ts";
import type { Input } from "../command.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { agentKind, createSubscriber } from "../follow/follow-to-end.ts";
import { LiveStream } from "../follow/live-stream.ts";
import { RunReader } from "../follow/read-run.ts";
import type { RunListener } from "../follow/read-run.ts";
import { TaskView } from "../follow/view.ts";

/** How often (ms) to ask whether a daemon has taken a task that is still waiting for one. */
const LOOK_EVERY = 500;

const STREAMS = ["out", "err", "events"];

const options = {
  follow: flag("-f, --follow", "Go on until the run has ended"),
  raw: flag("--raw", "The bytes as the agent printed them"),
  iteration: integer("--iteration <n>", "Of this iteration only", 1, 999_999),
  stream: text("--stream <name>", "What of the agent to show: out (default), err, or events for nothing of it"),
  ...CONNECTION_OPTIONS,
};

export const logsCommand = defineCommand({
  details: "Shows the latest run of the task. With --json the run's events, with --follow too one on each line.",
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
    const task = await findTask(connection, id, input.options.follow);
    if (task.runId === null) {
      context.output.line("The task has not begun yet.");
      context.output.document({ task, events: [] });
      return 0;
    }
    await show(context, connection, { task, runId: task.runId, options: input.options });
    return 0;
  },
});

type Options = Input<typeof options>["options"];

interface Request {
  task: Task;
  runId: string;
  options: Options;
}

function requireStream(stream: string | null): void {
  if (stream === null || STREAMS.includes(stream)) return;
  throw new MakimaError("usage", `There is no stream "${stream}"`, { hint: `Choose one of ${STREAMS.join(", ")}.` });
}

/** With `wait`, the task as soon as it has a run. */
async function findTask(connection: Connection, id: string, wait: boolean): Promise<Task> {
  for (;;) {
    const { task } = await connection.call("getTask", { id });
    if (!wait || task.runId !== null || isTerminal(TASK, task.status)) return task;
    await systemClock.sleep(LOOK_EVERY);
  }
}

async function show(context: Context, connection: Connection, request: Request): Promise<void> {
  const { output } = context;
  const { runId, options: wanted } = request;
  await using subscriber = createSubscriber(connection);
  if (wanted.raw && wanted.stream === "events") {
    const onData = (data: Uint8Array) => output.bytes(data);
    const stream = new LiveStream(subscriber, { runId, stream: EVENTS, follow: wanted.follow, onData });
    output.closed.addEventListener("abort", () => stream.abandon());
    await stream.ended;
    return;
  }
  const events: RunEvent[] = [];
  const listener = listenerFor(context, connection, request, events);
  const stream = wanted.stream === "err" ? "err" : "out";
  const reader = new RunReader(subscriber, { runId, follow: wanted.follow, output: stream }, listener);
  output.closed.addEventListener("abort", () => reader.abandon());
  await reader.ended;
  if (!output.closed.aborted) await reader.finish();
  if (!wanted.follow) output.document({ task: request.task, events });
}

/** What becomes of the events and the output, by the form that is asked for. */
function listenerFor(context: Context, connection: Connection, request: Request, events: RunEvent[]): RunListener {
  const { output } = context;
  const { raw, follow, stream, iteration } = request.options;
  if (output.json) {
    return only(iteration, { event: (event) => (follow ? output.document(event) : void events.push(event)) });
  }
  if (raw) return only(iteration, { event: () => {}, output: (_, data) => output.bytes(data) });
  // Who asks for the log wants all of it, terminal or not. stderr is plain text, whatever the agent speaks on stdout.
  const story = { live: true, write: (lines: string) => output.text(lines), style: output.style };
  const view = new TaskView(story, stream === "err" ? "command" : agentKind(connection, request.task));
  const event = (told: RunEvent) => view.event(told);
  if (stream === "events") return only(iteration, { event });
  return only(iteration, { event, output: (index, data) => view.output(index, data) });
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
