import type { Subscriber } from "../../client/subscriber.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";

export interface FollowOptions {
  /** As it was at `cursor`. */
  task: Task;
  /** Position of the change feed from which everything about the task is wanted. */
  cursor: number;
  /** Stops following, without an error; null: nothing does. */
  signal: AbortSignal | null;
}

/** Hears of a task, and of all of its runs one after the other. */
export interface TaskListener {
  task(task: Task): void;
  /** Begins to read a run; null where the run has been told. */
  read(runId: string): Reading | null;
}

/** A run that is being read while it grows. */
export interface Reading {
  /** Settles when there will be no more, or when it could not be read. */
  readonly ended: Promise<void>;
  /** Reads what the server has by now, and no further. */
  finish(): Promise<void>;
  /** Stops reading here. */
  abandon(): void;
}

/** Follows a task to its end and gives its last state; null where the signal came first. */
export async function followTask(
  subscriber: Subscriber,
  { task, cursor, signal }: FollowOptions,
  listener: TaskListener,
): Promise<Task | null> {
  await using runs = new RunsInTurn(listener);
  const stop = signal === null ? runs.failed : AbortSignal.any([signal, runs.failed]);
  let last = task;
  const hear = (state: Task) => {
    last = state;
    if (state.runId !== null) runs.begin(state.runId);
    listener.task(state);
  };
  hear(task);
  if (!isTerminal(TASK, last.status)) {
    for await (const change of subscriber.changes({ from: cursor, follow: true, signal: stop })) {
      if (change.kind !== "task" || change.id !== task.id) continue;
      // The feed carries a task as the API shows it.
      hear(change.data as unknown as Task);
      if (isTerminal(TASK, last.status)) break;
    }
  }
  if (signal?.aborted === true) return null;
  await runs.finish();
  return last;
}

/** Reads runs one after the other, while the change feed goes on: a feed that is not read would block them. */
class RunsInTurn implements AsyncDisposable {
  readonly #listener: TaskListener;
  readonly #failure = new AbortController();
  readonly #begun = new Set<string>();
  #turn: Promise<void> = Promise.resolve();
  #current: Reading | null = null;
  #abandoned = false;

  constructor(listener: TaskListener) {
    this.#listener = listener;
  }

  /** Aborts when a run could not be read; finish() throws why. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** A new run follows one that has ended, or takes the task over from a daemon that was lost. */
  begin(runId: string): void {
    if (this.#begun.has(runId)) return;
    this.#begun.add(runId);
    this.#turn = this.#turn.then(() => this.#next(runId));
    this.#turn.catch(() => this.#failure.abort());
  }

  async finish(): Promise<void> {
    await this.#turn;
    await this.#current?.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abandoned = true;
    this.#current?.abandon();
    await this.#turn.catch(() => {});
  }

  async #next(runId: string): Promise<void> {
    await this.#current?.finish();
    if (this.#abandoned) return;
    this.#current = this.#listener.read(runId);
    this.#current?.ended.catch(() => this.#failure.abort());
  }
}
