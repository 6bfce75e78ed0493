/** Runs `work` one at a time: however often it is requested while it runs, it then runs once more. Never throws. */
export class Rerun implements AsyncDisposable {
  readonly #work: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #running: Promise<void> | null = null;
  #requested = false;
  #disposed = false;

  constructor(work: () => Promise<void>, failed: (error: unknown) => void) {
    this.#work = work;
    this.#failed = failed;
  }

  request(): void {
    this.#requested = true;
    this.#running ??= this.#run();
  }

  /** Waits for a run that is under way; no other begins. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#requested && !this.#disposed) {
      this.#requested = false;
      try {
        await this.#work();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#running = null;
  }
}
