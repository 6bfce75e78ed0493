import { MakimaError } from "../../core/errors.ts";
import type { Task } from "../../protocol/api.ts";
import { commandRun } from "../commands/commands.ts";
import type { Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { runOf, taskRow, WITH_RUN } from "./rows.ts";
import { getTask } from "./view.ts";

/** Sends a person's words to the agent of a task. Throws `conflict` for a task that has none. */
export async function messageTask(tx: Write, id: string, text: string): Promise<Task> {
  const task = await taskRow(tx.db, id);
  if (!WITH_RUN.includes(task.status)) {
    throw new MakimaError("conflict", `The task is ${task.status}: nobody would read the message`, {
      hint: task.status === "pending" ? "Send it when the task runs." : "`makima resume` gives what ended a new run.",
    });
  }
  await commandRun(tx, { kind: "MessageTask", runId: runOf(task), messageId: newId(tx.now), text });
  return getTask(tx.db, id);
}
