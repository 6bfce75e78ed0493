import { MakimaError } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";

export interface StopperOptions {
  taskId: string;
  /** Stop the task after this long (ms), also when no daemon has taken it; null: never. */
  timeout: number | null;
}

/** Stops a task that is being followed: at Ctrl-C, or when its time is over. */
export class Stopper implements Disposable {
  readonly #context: Context;
  readonly #connection: Connection;
  readonly #taskId: string;
  readonly #listening: Disposable;
  readonly #disposed = new AbortController();
  #interrupted = false;
  #timedOut = false;

  constructor(context: Context, connection: Connection, { taskId, timeout }: StopperOptions) {
    this.#context = context;
    this.#connection = connection;
    this.#taskId = taskId;
    this.#listening = context.onSignals(["SIGINT", "SIGTERM"], () => this.#onSignal());
    if (timeout !== null) void this.#stopAfter(timeout);
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
    void this.#stop("Interrupted by a person");
  }

  async #stopAfter(timeout: number): Promise<void> {
    try {
      await systemClock.sleep(timeout, this.#disposed.signal);
    } catch {
      return;
    }
    this.#timedOut = true;
    await this.#stop("The time limit was exceeded");
  }

  async #stop(reason: string): Promise<void> {
    try {
      await this.#connection.call("stopTask", { id: this.#taskId, reason });
    } catch (error) {
      // It ended by itself in this moment.
      if (error instanceof MakimaError && error.code === "conflict") return;
      // Following goes on, and another Ctrl-C leaves.
      this.#context.output.warning(`cannot stop the task: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
