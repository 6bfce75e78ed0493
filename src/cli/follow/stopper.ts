import { MakimaError } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";

export interface StopperOptions {
  taskId: string;
  /** Stop the task after this long (ms), also when no daemon has taken it; null: never. */
  timeout: number | null;
}

/**
 * Stops a task that is being followed: at Ctrl-C, or when its time is over. It listens from the start, before the server is
 * asked for the task: whoever interrupts that must not leave an agent at work.
 */
export class Stopper implements Disposable {
  readonly #context: Context;
  readonly #connection: Connection;
  readonly #listening: Disposable;
  readonly #disposed = new AbortController();
  #taskId: string | null = null;
  #interrupted = false;
  #timedOut = false;

  constructor(context: Context, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    this.#listening = context.onSignals(["SIGINT", "SIGTERM"], () => this.#onSignal());
  }

  /** The task is there. */
  begin({ taskId, timeout }: StopperOptions): void {
    this.#taskId = taskId;
    if (this.#interrupted) void this.#stop(taskId, BY_PERSON);
    if (timeout !== null) void this.#stopAfter(taskId, timeout);
  }

  get timedOut(): boolean {
    return this.#timedOut;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#disposed.abort();
  }

  #onSignal(): void {
    if (this.#interrupted) this.#context.exit(130);
    this.#interrupted = true;
    this.#context.output.progress("Stopping the task; Ctrl-C again leaves at once.");
    if (this.#taskId !== null) void this.#stop(this.#taskId, BY_PERSON);
  }

  async #stopAfter(taskId: string, timeout: number): Promise<void> {
    try {
      await systemClock.sleep(timeout, this.#disposed.signal);
    } catch {
      return;
    }
    this.#timedOut = true;
    await this.#stop(taskId, "The time limit was exceeded");
  }

  async #stop(taskId: string, reason: string): Promise<void> {
    try {
      await this.#connection.call("stopTask", { id: taskId, reason });
    } catch (error) {
      // It ended by itself in this moment.
      if (error instanceof MakimaError && error.code === "conflict") return;
      // Following goes on, and another Ctrl-C leaves.
      this.#context.output.warning(`cannot stop the task: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

const BY_PERSON = "Interrupted by a person";
