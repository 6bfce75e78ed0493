import type { Subscriber } from "../../client/subscriber.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { RunReader } from "./read-run.ts";
import type { RunListener } from "./read-run.ts";

export interface FollowOptions {
  taskId: string;
  /** Position of the change feed from which everything about the task is wanted. */
  cursor: number;
}

/** Hears of a task, and of all of its runs one after the other. */
export interface TaskListener extends RunListener {
  task(task: Task): void;
}

/** Follows a task to its end and gives its last state. */
export async function followTask(
  subscriber: Subscriber,
  { taskId, cursor }: FollowOptions,
  listener: TaskListener,
): Promise<Task> {
  const failure = new AbortController();
  const readers = new Map<string, RunReader>();
  const read = (runId: string) => {
    if (readers.has(runId)) return;
    // A new run takes the task over from a daemon that was lost: of the old one nothing more will come.
    for (const reader of readers.values()) reader.abandon();
    readers.clear();
    const reader = new RunReader(subscriber, { runId, follow: true, output: "out" }, listener);
    reader.ended.catch(() => failure.abort());
    readers.set(runId, reader);
  };
  let last: Task | null = null;
  for await (const change of subscriber.changes({ from: cursor, follow: true, signal: failure.signal })) {
    if (change.kind !== "task" || change.id !== taskId) continue;
    // The feed carries a task as the API shows it.
    last = change.data as unknown as Task;
    // A resumed task that waits for a daemon still shows its earlier run, which has been told.
    if (last.runId !== null && last.status !== "pending") read(last.runId);
    listener.task(last);
    if (isTerminal(TASK, last.status)) break;
  }
  // Throws what made the reading fail, which is also the only way to get here before the task is over.
  for (const reader of readers.values()) await reader.finish();
  if (last === null) throw new Error("the change feed ended before the task did");
  return last;
}
