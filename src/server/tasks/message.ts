import { MakimaError } from "../../core/errors.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { countUnheard, MOST_UNHEARD, sendMessage } from "../messages/messages.ts";
import { taskRow } from "./rows.ts";
import { getTask } from "./view.ts";

/** Sends somebody's words to the agent of a task, or of a pending one's next run. Throws `conflict` for one that has ended. */
export async function messageTask(tx: Write, id: string, text: string): Promise<Task> {
  const task = await taskRow(tx.db, id);
  if (isTerminal(TASK, task.status)) {
    throw new MakimaError("conflict", `The task is ${task.status}: nobody would read the message`, {
      hint: "`makima resume --message` gives it a new run, which hears the message first of all.",
    });
  }
  await say(tx, id, text);
  return getTask(tx.db, id);
}

/** Puts somebody's words into a task's inbox. Throws `conflict` where that is full: nothing of theirs is left out. */
export async function say(tx: Write, id: string, text: string): Promise<void> {
  if ((await countUnheard(tx.db, id)) >= MOST_UNHEARD) {
    throw new MakimaError("conflict", `The task's agent has ${MOST_UNHEARD} messages to hear already`);
  }
  await sendMessage(tx, id, "person", text);
}
