import { MakimaError } from "../../core/errors.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { commandRun, hasCommand } from "../commands/commands.ts";
import type { Db, Write } from "../db/store.ts";
import { moveTask } from "./move.ts";
import { runOf, taskRow } from "./rows.ts";
import { getTask } from "./view.ts";

/**
 * Cancels a task: at once while it is pending, otherwise by asking its daemon, whose run then reports the end. Asking
 * again changes nothing. Throws `conflict` when the task has ended.
 */
export async function stopTask(tx: Write, id: string, reason: string): Promise<Task> {
  const task = await taskRow(tx.db, id);
  if (isTerminal(TASK, task.status)) {
    throw new MakimaError("conflict", `The task is ${task.status} already`, { hint: "There is nothing left to stop." });
  }
  if (task.status === "pending") return moveTask(tx, id, "cancel", { reason });
  const runId = runOf(task);
  if (!(await hasCommand(tx.db, runId, "InterruptTask"))) {
    await commandRun(tx, { kind: "InterruptTask", runId, reason });
  }
  return getTask(tx.db, id);
}

/** Cancels every live task; returns how many there were. */
export async function stopAllTasks(tx: Write, reason: string): Promise<number> {
  const ids = await liveTaskIds(tx.db);
  for (const id of ids) await stopTask(tx, id, reason);
  return ids.length;
}

export async function countLiveTasks(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom("tasks")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("status", "in", TASK.live)
    .executeTakeFirstOrThrow();
  return count;
}

async function liveTaskIds(db: Db): Promise<string[]> {
  const rows = await db.selectFrom("tasks").select("id").where("status", "in", TASK.live).execute();
  return rows.map(({ id }) => id);
}
