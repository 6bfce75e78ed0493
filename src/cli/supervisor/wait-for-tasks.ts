import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import type { Change } from "../../protocol/subscriptions.ts";

/** `all`: each of them is over. `any`: one is. */
export type Until = "all" | "any";

export interface WatchedTasks {
  /** All tasks of their contracts: what a task comes after decides whether it can ever begin. */
  known: readonly Task[];
  /** Those that somebody waits for; of the known ones, and of those that are spawned meanwhile. */
  wanted: (task: Task) => boolean;
  until: Until;
}

/**
 * Tasks that somebody waits for, as the change feed tells of them. A completed task is over when it is merged, where it
 * is to be merged by itself: until then its agent may get it back. A pending one is over when it comes after one that did
 * not work out: nobody would ever see its end.
 */
export class TaskWatch {
  readonly #known: Map<string, Task>;
  readonly #contracts: ReadonlySet<string>;
  readonly #wanted: WatchedTasks["wanted"];
  readonly #until: Until;

  constructor({ known, wanted, until }: WatchedTasks) {
    this.#known = new Map(known.map((task) => [task.id, task]));
    this.#contracts = new Set(known.map(({ contractId }) => contractId));
    this.#wanted = wanted;
    this.#until = until;
  }

  get tasks(): Task[] {
    return [...this.#known.values()].filter(this.#wanted);
  }

  get isOver(): boolean {
    const over = this.#over();
    const isOver = ({ id }: Task) => over.has(id);
    return this.#until === "all" ? this.tasks.every(isOver) : this.tasks.some(isOver);
  }

  /** Those that are not over. */
  get open(): Task[] {
    const over = this.#over();
    return this.tasks.filter(({ id }) => !over.has(id));
  }

  /** Those that are over, and did not come to what somebody waited for. */
  get failed(): Task[] {
    const over = this.#over();
    return this.tasks.filter((task) => over.has(task.id) && !hasSucceeded(task));
  }

  /** Takes a change in; gives the task when it is a wanted one that has ended. */
  apply({ kind, id, data }: Change): Task | null {
    // The feed carries a task as the API shows it.
    const task = data as Task;
    if (kind !== "task" || !this.#contracts.has(task.contractId)) return null;
    this.#known.set(id, task);
    return this.#wanted(task) && isTerminal(TASK, task.status) ? task : null;
  }

  /** Ids of all that are over. A chain of pending tasks is over from its beginning on, so it is gone through again. */
  #over(): Set<string> {
    const over = new Set<string>();
    const isHopeless = (id: string) => {
      const earlier = this.#known.get(id);
      return earlier !== undefined && over.has(id) && !hasSucceeded(earlier);
    };
    let before;
    do {
      before = over.size;
      for (const { id, status, merge, after } of this.#known.values()) {
        if (status === "pending" ? after.some(isHopeless) : isTerminal(TASK, status) && merge !== "queued")
          over.add(id);
      }
    } while (over.size > before);
    return over;
  }
}

function hasSucceeded({ status, merge }: Task): boolean {
  return status === "completed" && merge !== "conflict" && merge !== "failed";
}
