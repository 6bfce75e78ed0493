import { Subscriber } from "../../client/subscriber.ts";
import type { AgentKind } from "../../core/agents/index.ts";
import { ERRORS, MakimaError } from "../../core/errors.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { MINUTE } from "../../platform/config/units.ts";
import type { Task, TaskDetail } from "../../protocol/api.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { openSocket } from "../socket.ts";
import { runDocument } from "./document.ts";
import { followTask } from "./follow-task.ts";
import type { TaskListener } from "./follow-task.ts";
import { Stopper } from "./stopper.ts";
import { summaryLines } from "./summary.ts";
import { TaskView } from "./view.ts";

/** A server that is restarted or upgraded is back long before. */
const GIVE_UP_AFTER = 2 * MINUTE;

export interface FollowToEndOptions {
  task: Task;
  /** Change feed position from which the task is to be followed. */
  cursor: number;
  /** ms, see Stopper. */
  timeout: number | null;
}

/** Follows a task to its end, tells how it went, and gives the exit code that says so. */
export async function followToEnd(
  context: Context,
  connection: Connection,
  options: FollowToEndOptions,
): Promise<number> {
  const taskId = options.task.id;
  using stopper = new Stopper(context, connection, { taskId, timeout: options.timeout });
  await using subscriber = createSubscriber(connection);
  await followTask(subscriber, { taskId, cursor: options.cursor }, listenerFor(context, connection, options.task));
  const detail = await connection.call("getTask", { id: taskId });
  return conclude(context, detail, stopper.timedOut);
}

export function createSubscriber(connection: Connection): Subscriber {
  return new Subscriber({ endpoint: connection.endpoint, openSocket, giveUpAfter: GIVE_UP_AFTER });
}

/** How the task's agent speaks. Where only the daemon's machine knows, its name has to do. */
export function agentKind({ loaded }: Connection, { agent }: Task): AgentKind {
  return loaded.config.agents[agent]?.kind ?? (agent === "claude" ? "claude" : "command");
}

function listenerFor(context: Context, connection: Connection, task: Task): TaskListener {
  const story = context.output.story();
  return story === null ? UNHEARD : new TaskView(story, agentKind(connection, task));
}

const UNHEARD: TaskListener = { task: () => {}, event: () => {} };

function conclude({ output }: Context, detail: TaskDetail, timedOut: boolean): number {
  output.document(runDocument(detail));
  const failure = failureOf(detail, timedOut);
  // Where the work could not even begin, its cause is all there is to say.
  if (failure === null || detail.iterations.length > 0) {
    for (const line of summaryLines(detail, output.style)) output.line(line);
  }
  if (failure !== null) throw failure;
  if (detail.task.status === "completed") return 0;
  return detail.task.status === "cancelled" ? ERRORS.interrupted.exit : 1;
}

/** The cause that a person can mend, where there is one. */
function failureOf({ task, errorCode, hint }: TaskDetail, timedOut: boolean): MakimaError | null {
  if (timedOut && task.status !== "completed") return new MakimaError("timed_out", "The task was not done in time");
  if (task.status !== "failed" || errorCode === null || !Object.hasOwn(ERRORS, errorCode)) return null;
  const message = task.reason ?? "The task failed";
  return new MakimaError(errorCode as ErrorCode, message, hint === null ? {} : { hint });
}
