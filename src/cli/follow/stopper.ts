import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";

/** Node turns a longer timer into one of 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

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
  readonly #timer: NodeJS.Timeout | null;
  #interrupted = false;
  #timedOut = false;

  constructor(context: Context, connection: Connection, { taskId, timeout }: StopperOptions) {
    this.#context = context;
    this.#connection = connection;
    this.#taskId = taskId;
    this.#listening = context.onSignals(["SIGINT", "SIGTERM"], () => this.#onSignal());
    this.#timer = timeout === null ? null : setTimeout(() => this.#onTimeout(), Math.min(timeout, LONGEST_TIMER));
  }

  get timedOut(): boolean {
    return this.#timedOut;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #onSignal(): void {
    if (this.#interrupted) this.#context.exit(130);
    this.#interrupted = true;
    this.#context.output.progress("Stopping the task; Ctrl-C again leaves at once.");
    void this.#stop("Interrupted by a person");
  }

  #onTimeout(): void {
    this.#timedOut = true;
    void this.#stop("The time limit was exceeded");
  }

  async #stop(reason: string): Promise<void> {
    try {
      await this.#connection.call("stopTask", { id: this.#taskId, reason });
    } catch (error) {
      // It may have ended in this moment; if it has not, following goes on and another Ctrl-C leaves.
      this.#context.output.warning(`cannot stop the task: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
