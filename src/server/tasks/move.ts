import { MakimaError } from "../../core/errors.ts";
import { TASK, transition } from "../../core/task-state.ts";
import type { TaskEvent } from "../../core/task-state.ts";
import type { Task, TaskStatus } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { publishTask } from "./view.ts";

/** Why the task is in its new state, and until when it waits (epoch ms); absent means null. */
export interface Circumstances {
  reason?: string;
  waitUntil?: number;
}

/**
 * Takes a task through one event of its state machine and publishes it. Throws `conflict`, having changed nothing, where
 * the machine does not allow it.
 */
export async function moveTask(tx: Write, id: string, event: TaskEvent, why: Circumstances): Promise<Task> {
  const { status } = await tx.db.selectFrom("tasks").select("status").where("id", "=", id).executeTakeFirstOrThrow();
  const next = status === IN_EFFECT[event] ? status : transition(TASK, status, event);
  if (next === null) throw new MakimaError("conflict", `The task is ${status}: it cannot ${event} now`);
  await tx.db
    .updateTable("tasks")
    .set({ status: next, reason: why.reason ?? null, wait_until: why.waitUntil ?? null, updated_at: tx.now })
    .where("id", "=", id)
    .where("status", "=", status)
    .execute();
  return publishTask(tx, id);
}

/** A run says again that it goes on, or that it waits longer: the state stays, its circumstances change. */
const IN_EFFECT: { readonly [On in TaskEvent]?: TaskStatus } = { run: "running", wait: "waiting" };
