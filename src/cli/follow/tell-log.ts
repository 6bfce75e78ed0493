import type { Subscriber } from "../../client/subscriber.ts";
import { MakimaError } from "../../core/errors.ts";
import type { Task } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { followTask } from "./follow-task.ts";
import type { Reading, TaskListener } from "./follow-task.ts";
import { agentKind } from "./follow-to-end.ts";
import { LiveStream } from "./live-stream.ts";
import { RunReader } from "./read-run.ts";
import type { RunListener } from "./read-run.ts";
import { reportLines } from "./report.ts";
import { tailStart } from "./tail.ts";
import type { LogStream, Position } from "./tail.ts";
import { TaskView } from "./view.ts";

/** What of a task is to be told: its latest run, and with `follow` every later one until it has ended. */
export interface LogRequest {
  task: Task;
  /** Position of the change feed at which the task was like that. */
  cursor: number;
  follow: boolean;
  /** `events`: what makima did, and nothing that the agent printed. */
  stream: LogStream;
  /** Only this one; null: all. */
  iteration: number | null;
  /** So many lines of what there is by now; null: all of it. */
  tail: number | null;
}

/** What it takes to read a log. */
export interface LogAccess {
  context: Context;
  connection: Connection;
  subscriber: Subscriber;
}

/** Throws `usage` for a name that is none. */
export function parseLogStream(name: string | null): LogStream {
  const stream = STREAMS.find((one) => one === (name ?? "out"));
  if (stream !== undefined) return stream;
  throw new MakimaError("usage", `There is no stream "${name}"`, { hint: `Choose one of ${STREAMS.join(", ")}.` });
}

const STREAMS: readonly LogStream[] = ["out", "err", EVENTS];

/** The bytes as the agent printed them, or those of the events. */
export async function tellBytes(
  access: LogAccess,
  request: LogRequest,
  write: (data: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const { task, stream, iteration, tail: lines } = request;
  if (stream === EVENTS && iteration !== null) {
    throw new MakimaError("usage", "The stream of events is that of all iterations", {
      hint: "Leave --iteration out, or read the events as text.",
    });
  }
  const { connection, subscriber } = access;
  const start =
    lines === null || task.runId === null
      ? null
      : await tailStart(connection, subscriber, { runId: task.runId, stream, iteration, lines });
  await tellRuns(access, request, {
    task: () => {},
    read: (runId) => readBytes(subscriber, request, { runId, start: runId === task.runId ? start : null }, write),
  });
}

/** The events as they are, without what the agent printed. */
export async function tellEvents(
  access: LogAccess,
  request: LogRequest,
  write: (event: RunEvent) => Promise<void> | void,
): Promise<void> {
  const listener = only(request.iteration, { event: write });
  await tellRuns(access, request, {
    task: () => {},
    read: (runId) => readTold(access.subscriber, request, runId, listener),
  });
}

/** Lines for people, each with its newline. */
export async function tellText(access: LogAccess, request: LogRequest, write: (line: string) => void): Promise<void> {
  if (request.tail === null) return tellLines(access, request, write);
  // What is readable of a line depends on what came before it, so all is read to show the end.
  const last: string[] = [];
  let known = 0;
  await tellLines(access, { ...request, follow: false }, (line) => {
    known += 1;
    if (last.push(line) > 2 * (request.tail ?? 0)) last.splice(0, last.length - (request.tail ?? 0));
  });
  for (const line of last.slice(-request.tail)) write(line);
  if (!request.follow) return;
  await tellLines(access, request, (line) => (known > 0 ? (known -= 1) : write(line)), write);
}

/** `news`: for what is said while somebody follows, and stands in no log. */
async function tellLines(
  access: LogAccess,
  request: LogRequest,
  write: (line: string) => void,
  news: (line: string) => void = write,
): Promise<void> {
  const { context, connection, subscriber } = access;
  // Who asks for the log wants all of it, terminal or not. stderr is plain text, whatever the agent speaks on stdout.
  const story = { live: true, write, style: context.output.style };
  const view = new TaskView(story, request.stream === "err" ? "command" : agentKind(connection, request.task));
  const event = (told: RunEvent) => view.event(told);
  const output = (index: number, data: Uint8Array) => view.output(index, data);
  const listener = only(request.iteration, request.stream === EVENTS ? { event } : { event, output });
  await tellRuns(access, request, {
    task: (state) => (request.follow ? view.task(state) : undefined),
    report: ({ text }) => {
      for (const line of reportLines("Report", text, story.style)) news(`${line}\n`);
    },
    read: (runId) => readTold(subscriber, request, runId, listener),
  });
}

async function tellRuns(
  { context: { output }, subscriber }: LogAccess,
  { task, cursor, follow }: LogRequest,
  listener: TaskListener,
): Promise<void> {
  if (follow) {
    await followTask(subscriber, { task, cursor, signal: output.closed }, listener);
    return;
  }
  const reading = task.runId === null ? null : listener.read(task.runId);
  if (reading === null) return;
  output.closed.addEventListener("abort", () => reading.abandon());
  await reading.ended;
  if (!output.closed.aborted) await reading.finish();
}

function readBytes(
  subscriber: Subscriber,
  { stream, iteration, follow }: LogRequest,
  { runId, start }: { runId: string; start: Position | null },
  write: (data: Uint8Array) => Promise<void> | void,
): Reading {
  if (stream === EVENTS) {
    return new LiveStream(subscriber, { runId, stream, from: start?.offset ?? 0, follow, onData: write });
  }
  const outputFrom = (index: number) => {
    if (iteration !== null && index !== iteration) return null;
    if (start === null || index > start.iteration) return 0;
    return index === start.iteration ? start.offset : null;
  };
  const listener: RunListener = { event: () => {}, output: (_, data) => write(data) };
  return new RunReader(subscriber, { runId, from: 0, follow, output: stream, outputFrom }, listener);
}

function readTold(
  subscriber: Subscriber,
  { stream, iteration, follow }: LogRequest,
  runId: string,
  listener: RunListener,
): Reading {
  const outputFrom = (index: number) => (iteration === null || index === iteration ? 0 : null);
  const output = stream === "err" ? "err" : "out";
  return new RunReader(subscriber, { runId, from: 0, follow, output, outputFrom }, listener);
}

/** The events of one iteration; null: all. Its output is read of it alone anyway. */
function only(iteration: number | null, { event, ...listener }: RunListener): RunListener {
  if (iteration === null) return { event, ...listener };
  return { ...listener, event: (told) => ("index" in told && told.index === iteration ? event(told) : undefined) };
}
