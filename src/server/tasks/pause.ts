import { MakimaError } from "../../core/errors.ts";
import type { TaskState } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { commandRun, hasOpenCommand } from "../commands/commands.ts";
import type { Write } from "../db/store.ts";
import type { Hold } from "../db/tables.ts";
import { nudgeIdle } from "../messages/nudge.ts";
import { changeTask } from "./change.ts";
import { runOf, taskRow } from "./rows.ts";
import type { TaskRow } from "./rows.ts";
import { getTask, publishTask } from "./view.ts";

/**
 * Has a task's daemon pause it. Asking again changes nothing. Throws `conflict` for a task that has no agent to pause.
 */
export async function pauseTask(tx: Write, id: string): Promise<Task> {
  const task = await taskRow(tx.db, id);
  const hint = NOT_PAUSABLE[task.status];
  if (hint !== undefined)
    throw new MakimaError("conflict", `The task is ${task.status}: it cannot be paused`, { hint });
  await holdTask(tx, task, "person");
  return getTask(tx.db, id);
}

/** Writes down who wants a task with a live run to pause, and tells its daemon where that does not know yet. */
export async function holdTask(tx: Write, task: TaskRow, by: Hold): Promise<void> {
  const runId = runOf(task);
  const told = task.hold !== null && (task.status === "paused" || (await hasOpenCommand(tx.db, runId, "PauseTask")));
  if (!told) await commandRun(tx, { kind: "PauseTask", runId });
  if (task.hold === by) return;
  await changeTask(tx, task.id, { hold: by });
  await publishTask(tx, task.id);
}

/** Takes a pause back: the daemon of a live run is told to go on, and a task that waits for a daemon may be started. */
export async function releaseTask(tx: Write, task: TaskRow): Promise<void> {
  if (task.status !== "pending") {
    const runId = runOf(task);
    const told = task.hold === null && (await hasOpenCommand(tx.db, runId, "ResumeTask"));
    if (!told) await commandRun(tx, { kind: "ResumeTask", runId });
  }
  if (task.hold === null) return;
  await changeTask(tx, task.id, { hold: null });
  await publishTask(tx, task.id);
  // One whose pause is taken back before it came about sleeps on, and nobody has nudged it meanwhile.
  await nudgeIdle(tx, task.contract_id);
}

const ENDED = "It has ended; `makima resume` starts what failed or was cancelled again.";

/** What to do instead. */
const NOT_PAUSABLE: { readonly [State in TaskState]?: string } = {
  pending: "It has not begun: stop it, or pause its contract.",
  starting: "Its daemon is about to start it: pause it when it runs, or stop it.",
  completed: ENDED,
  failed: ENDED,
  cancelled: ENDED,
};
