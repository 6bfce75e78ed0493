import { oneLine } from "../../core/notifications.ts";
import { WAITS_FOR_TASKS } from "../../core/supervision.ts";
import type { Write } from "../db/store.ts";
import { moveTask } from "../tasks/move.ts";
import { openQuestions } from "./questions.ts";

/** Longest reason of a task that waits (characters); the question itself has the rest. */
const MAX_REASON = 200;

/**
 * A task that runs waits while a question of it is open, and goes on when none is; to be called after everything that
 * sets a task running or lets it sleep, or opens or closes a question of it. A wait with an end (a usage limit, a pause
 * after an error) is another one, and ends by itself; so is a person's pause. A supervisor that sleeps until something
 * happens says what it has asked, and sleeps on: its run wakes up by itself.
 */
export async function waitForAnswers(tx: Write, taskId: string): Promise<void> {
  const task = await tx.db
    .selectFrom("tasks")
    .select(["status", "reason", "wait_until", "idle"])
    .where("id", "=", taskId)
    .executeTakeFirstOrThrow();
  const waits = task.status === "waiting" && task.wait_until === null;
  if (task.status !== "running" && !waits) return;
  const [question] = await openQuestions(tx.db, taskId);
  if (question === undefined && task.idle === 0) {
    if (waits) await moveTask(tx, taskId, "run", {});
    return;
  }
  // What it said when it went to sleep goes on holding.
  if (question === undefined && task.reason?.startsWith(WAITS_FOR_TASKS)) return;
  const reason = question === undefined ? WAITS_FOR_TASKS : oneLine(`Asked: ${question.text}`, MAX_REASON);
  if (reason !== task.reason) await moveTask(tx, taskId, "wait", { reason }, { idle: task.idle });
}
