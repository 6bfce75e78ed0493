import type { Subscriber } from "../../client/subscriber.ts";
import { CONTRACT, isTerminal, TASK } from "../../core/task-state.ts";
import type { Contract, Report, Task } from "../../protocol/api.ts";
import type { Change } from "../../protocol/subscriptions.ts";

export interface FollowOptions {
  /** As it was at `cursor`. */
  task: Task;
  /** The task's contract, where following goes on until its work is merged: the agent may get it back. Absent: it does not. */
  landing?: ContractState;
  /** Position of the change feed from which everything about the task is wanted. */
  cursor: number;
  /** Stops following, without an error; null: nothing does. */
  signal: AbortSignal | null;
}

type ContractState = Pick<Contract, "status">;

/** Hears of a task, and of all of its runs one after the other. */
export interface TaskListener {
  task(task: Task): void;
  /** The task's agent, or a person for it, says how it goes; absent when nobody wants to know. */
  report?(report: Report): void;
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
  { task, cursor, landing, signal }: FollowOptions,
  listener: TaskListener,
): Promise<Task | null> {
  await using runs = new RunsInTurn(listener);
  const stop = signal === null ? runs.failed : AbortSignal.any([signal, runs.failed]);
  const story = new TaskStory(task, landing, (state) => {
    if (state.runId !== null) runs.begin(state.runId);
    listener.task(state);
  });
  if (!story.isOver) {
    for await (const change of subscriber.changes({ from: cursor, follow: true, signal: stop })) {
      story.apply(change);
      if (change.kind === "report" && change.data["taskId"] === task.id) listener.report?.(change.data as Report);
      if (story.isOver) break;
    }
  }
  if (signal?.aborted === true) return null;
  await runs.finish();
  return story.task;
}

/** A task, and where its work is to be merged its contract, as the change feed tells of them. */
class TaskStory {
  readonly #onTask: (task: Task) => void;
  #contract: ContractState | undefined;
  #task: Task;

  constructor(task: Task, contract: ContractState | undefined, onTask: (task: Task) => void) {
    this.#task = task;
    this.#contract = contract;
    this.#onTask = onTask;
    onTask(task);
  }

  get task(): Task {
    return this.#task;
  }

  /** Work that is to be merged comes back to its agent until the contract has ended, or people must see to it. */
  get isOver(): boolean {
    const { status, merge } = this.#task;
    if (!isTerminal(TASK, status)) return false;
    if (this.#contract === undefined || status !== "completed" || merge === "conflict" || merge === "failed")
      return true;
    return isTerminal(CONTRACT, this.#contract.status);
  }

  /** The feed carries things as the API shows them. */
  apply({ kind, id, data }: Change): void {
    if (kind === "task" && id === this.#task.id) {
      this.#task = data as Task;
      this.#onTask(this.#task);
    } else if (kind === "contract" && id === this.#task.contractId && this.#contract !== undefined) {
      this.#contract = data as Contract;
    }
  }
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
