import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/log.ts";
import { CHANGES_TOPIC } from "../protocol/topics.ts";
import type { Store } from "./db/store.ts";
import { Rerun } from "./rerun.ts";
import { countLiveTasks } from "./tasks/stop.ts";

/** Knows since when nothing has been asked of the server and no task has been live: it may then go to sleep. */
export class Activity implements AsyncDisposable {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #rerun: Rerun;
  readonly #listener: Disposable;
  #viewers = 0;
  #liveTasks = 0;
  #since: number;

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#since = clock.now();
    this.#rerun = new Rerun(
      () => this.#count(),
      (error) => log.error({ err: error }, "could not count the live tasks"),
    );
    this.#listener = store.wakeups.listen(CHANGES_TOPIC, () => this.#rerun.request());
    this.#rerun.request();
  }

  /** Epoch ms since which the server is idle; null while it is not. */
  get idleSince(): number | null {
    return this.#viewers > 0 || this.#liveTasks > 0 ? null : this.#since;
  }

  requested(): void {
    this.#since = this.#clock.now();
  }

  viewerOpened(): void {
    this.#viewers += 1;
  }

  viewerClosed(): void {
    this.#viewers -= 1;
    this.#since = this.#clock.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    await this.#rerun[Symbol.asyncDispose]();
  }

  async #count(): Promise<void> {
    this.#liveTasks = await countLiveTasks(this.#store.db);
    this.#since = this.#clock.now();
  }
}
