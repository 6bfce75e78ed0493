import type { AgentKind } from "../../core/agents/index.ts";
import { ERRORS, MakimaError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Contract, Report, Task, TaskDetail } from "../../protocol/api.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { createSubscriber, tellTrouble } from "../subscribe.ts";
import { runDocument } from "./document.ts";
import { followTask } from "./follow-task.ts";
import { landingOfTask } from "./landing.ts";
import type { Landing } from "./landing.ts";
import { RunReader } from "./read-run.ts";
import type { RunListener } from "./read-run.ts";
import type { Stopper } from "./stopper.ts";
import { summaryLines } from "./summary.ts";
import { TaskView } from "./view.ts";

export interface FollowToEndOptions {
  task: Task;
  /** Has listened since before the server was asked for the task. */
  stopper: Stopper;
  /** Change feed position from which the task is to be followed. */
  cursor: number;
  /** ms, see Stopper. */
  timeout: number | null;
  /** A run that has been told, whole or up to an offset of its events; null: none. */
  told: { runId: string; events: number | "all" } | null;
  /** The task's contract, where its work is to be merged in the end, and that is to be followed too; null: it is not. */
  landing: Contract | null;
}

/** Follows a task to its end, tells how it went, and gives the exit code that says so. */
export async function followToEnd(
  context: Context,
  connection: Connection,
  options: FollowToEndOptions,
): Promise<number> {
  const timedOut = await follow(context, connection, options);
  const detail = await connection.call("getTask", { id: options.task.id });
  const landing = options.landing === null ? null : await landingOfTask(context, connection, detail);
  return conclude(context, { detail, timedOut, landing });
}

/** Whether the task was stopped because its time was over. */
async function follow(
  context: Context,
  connection: Connection,
  { task, stopper, cursor, timeout, told, landing }: FollowToEndOptions,
): Promise<boolean> {
  stopper.begin({ taskId: task.id, timeout });
  await using subscriber = createSubscriber(connection, { onTrouble: tellTrouble(context.output) });
  const view = viewOf(context, connection, task);
  await followTask(
    subscriber,
    { task, cursor, signal: null, ...(landing === null ? {} : { landing }) },
    {
      task: (state) => view.task(state),
      report: (report) => view.report(report),
      read: (runId) => {
        const known = runId === told?.runId ? told.events : 0;
        if (known === "all") return null;
        return new RunReader(subscriber, { runId, follow: true, output: "out", from: known }, view);
      },
    },
  );
  return stopper.timedOut;
}

/** How the task's agent speaks. Where only the daemon's machine knows, its name has to do. */
export function agentKind({ loaded }: Connection, { agent }: Task): AgentKind {
  return loaded.config.agents[agent]?.kind ?? (agent === "claude" ? "claude" : "command");
}

function viewOf(context: Context, connection: Connection, task: Task): View {
  const story = context.output.story();
  return story === null ? UNHEARD : new TaskView(story, agentKind(connection, task));
}

interface View extends RunListener {
  task(task: Task): void;
  report(report: Report): void;
}

const UNHEARD: View = { task: () => {}, report: () => {}, event: () => {} };

interface End {
  detail: TaskDetail;
  timedOut: boolean;
  landing: Landing | null;
}

function conclude({ output }: Context, { detail, timedOut, landing }: End): number {
  output.document({ ...runDocument(detail), ...(landing === null ? {} : { landing: landing.document }) });
  const failure = failureOf(detail, timedOut) ?? landing?.failure ?? null;
  // Where the work could not even begin, its cause is all there is to say.
  if (failure === null || detail.iterations.length > 0) {
    for (const line of summaryLines(detail, output.style, landing)) output.line(line);
  }
  if (failure !== null) throw failure;
  if (detail.task.status === "completed") return landing === null || landing.landed ? 0 : 1;
  return detail.task.status === "cancelled" ? ERRORS.interrupted.exit : 1;
}

/** The cause that a person can mend, where there is one. */
function failureOf({ task, errorCode, hint }: TaskDetail, timedOut: boolean): MakimaError | null {
  if (timedOut && task.status !== "completed") return new MakimaError("timed_out", "The task was not done in time");
  if (task.status !== "failed" || errorCode === null || !Object.hasOwn(ERRORS, errorCode)) return null;
  const message = task.reason ?? "The task failed";
  return new MakimaError(errorCode as ErrorCode, message, hint === null ? {} : { hint });
}
