import { MakimaError } from "../../core/errors.ts";
import { TOLD } from "../../core/supervision.ts";
import { isTerminal, TASK, transition } from "../../core/task-state.ts";
import type { TaskEvent } from "../../core/task-state.ts";
import type { Task, TaskStatus } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { tellSupervisors } from "../messages/messages.ts";
import { nudgeIdle } from "../messages/nudge.ts";
import { withdrawQuestions } from "../questions/questions.ts";
import { changeTask } from "./change.ts";
import type { TaskChange } from "./change.ts";
import { tellDependants } from "./dependencies.ts";
import { publishTask } from "./view.ts";

/** Why the task is in its new state, and until when it waits (epoch ms); absent means null. */
export interface Circumstances {
  reason?: string;
  waitUntil?: number;
}

/**
 * Takes a task through one event of its state machine, changes with it what is in `also`, and publishes it. Throws
 * `conflict`, having changed nothing, where the machine does not allow it.
 */
export async function moveTask(
  tx: Write,
  id: string,
  event: TaskEvent,
  why: Circumstances,
  also: TaskChange = {},
): Promise<Task> {
  const { status } = await tx.db.selectFrom("tasks").select("status").where("id", "=", id).executeTakeFirstOrThrow();
  const next = status === IN_EFFECT[event] ? status : transition(TASK, status, event);
  if (next === null) throw new MakimaError("conflict", `The task is ${status}: it cannot ${event} now`);
  await changeTask(tx, id, {
    // Only who says so sleeps on.
    idle: 0,
    ...also,
    status: next,
    reason: why.reason ?? null,
    wait_until: why.waitUntil ?? null,
  });
  const task = await publishTask(tx, id);
  // Whatever was asked, its run is over.
  if (isTerminal(TASK, next) || next === "pending") await withdrawQuestions(tx, id);
  if (isTerminal(TASK, status) || isTerminal(TASK, next)) await tellDependants(tx, id);
  if (task.role === "worker") await rouseSupervisors(tx, task);
  return task;
}

/** They may sleep until a worker ends, which one that has to wait for others may never do. */
async function rouseSupervisors(tx: Write, task: Task): Promise<void> {
  if (isTerminal(TASK, task.status)) await tellSupervisors(tx, task.contractId, TOLD.taskEnded(task));
  else if (task.status === "pending") await nudgeIdle(tx, task.contractId);
}

/** A run says again that it goes on, waits longer or is paused: the state stays, its circumstances change. */
const IN_EFFECT: { readonly [On in TaskEvent]?: TaskStatus } = { run: "running", wait: "waiting", pause: "paused" };
