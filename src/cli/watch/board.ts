import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import type { Change } from "../../protocol/subscriptions.ts";

/** Of the tasks that end while somebody watches, so many stay in sight; the list must not grow for ever. */
const ENDED_KEPT = 10;

export interface BoardOptions {
  tasks: readonly Task[];
  /** Keep every task that has ended. */
  all: boolean;
}

/** Tasks as they are now: a list, and every change since. */
export class TaskBoard {
  readonly #tasks: Map<string, Task>;
  readonly #all: boolean;

  constructor({ tasks, all }: BoardOptions) {
    this.#tasks = new Map(tasks.map((task) => [task.id, task]));
    this.#all = all;
  }

  /** Newest first, as ids grow with time. */
  get tasks(): Task[] {
    return Array.from(this.#tasks.values()).toSorted((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** The task as the change leaves it; null where that is no news. */
  apply({ kind, data }: Change): Task | null {
    if (kind !== "task") return null;
    // The feed carries a task as the API shows it.
    const task = data as unknown as Task;
    const known = this.#tasks.get(task.id);
    // The list was read page by page, so it may be ahead of the feed.
    if (known !== undefined && known.version >= task.version) return null;
    this.#tasks.set(task.id, task);
    if (!this.#all && isTerminal(TASK, task.status)) this.#forgetEnded();
    return task;
  }

  #forgetEnded(): void {
    const ended = Array.from(this.#tasks.values()).filter(({ status }) => isTerminal(TASK, status));
    const oldestFirst = ended.toSorted((a, b) => a.updatedAt - b.updatedAt);
    for (const { id } of oldestFirst.slice(0, -ENDED_KEPT)) this.#tasks.delete(id);
  }
}
