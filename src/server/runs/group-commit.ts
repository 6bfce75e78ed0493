import { setImmediate } from "node:timers/promises";
import type { Logger } from "../../platform/log.ts";
import type { Store } from "../db/store.ts";
import { ingest } from "./ingest.ts";
import type { Append, Receipt } from "./ingest.ts";

/** Most bytes in one transaction: more would only make the acknowledgements come later. */
const MAX_BATCH = 8 * 1024 * 1024;

/** One link: it sends appends of one daemon, and hears of each what became of it. */
export interface AppendSource {
  readonly daemonId: string;
  /** `bytes` of appends have been dealt with. */
  committed(receipts: readonly Receipt[], bytes: number): void;
  /** Nothing of its appends was stored; later ones must not be either, or order would be lost. */
  failed(error: unknown): void;
}

type Batch = Map<AppendSource, Append[]>;

/**
 * Commits the appends of all links together: one disk flush for everything that has arrived since the last one began.
 * The more there is to do, the larger the transactions become.
 */
export class GroupCommit implements AsyncDisposable {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #failed = new WeakSet<AppendSource>();
  #queue: { source: AppendSource; append: Append }[] = [];
  #running: Promise<void> | null = null;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  add(source: AppendSource, append: Append): void {
    this.#queue.push({ source, append });
    this.#running ??= this.#run();
  }

  /** Waits until everything added has been dealt with. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      // Lets everything that has already arrived on the other sockets join the transaction.
      await setImmediate();
      await this.#commit(this.#take());
    }
    this.#running = null;
  }

  #take(): Batch {
    const batch: Batch = new Map();
    let bytes = 0;
    let count = 0;
    for (const { source, append } of this.#queue) {
      if (bytes >= MAX_BATCH) break;
      count += 1;
      if (this.#failed.has(source)) continue;
      bytes += append.data.length;
      const appends = batch.get(source) ?? [];
      batch.set(source, appends);
      appends.push(append);
    }
    this.#queue = this.#queue.slice(count);
    return batch;
  }

  async #commit(batch: Batch): Promise<void> {
    try {
      const receipts = await this.#store.write((tx) => this.#ingest(tx, batch));
      for (const [source, appends] of batch) source.committed(receipts.get(source) ?? [], byteLength(appends));
    } catch (error) {
      await this.#isolate(batch, error);
    }
  }

  async #ingest(tx: Parameters<typeof ingest>[0], batch: Batch): Promise<Map<AppendSource, Receipt[]>> {
    const receipts = new Map<AppendSource, Receipt[]>();
    for (const [source, appends] of batch) {
      receipts.set(source, await ingest(tx, source.daemonId, appends, this.#log));
    }
    return receipts;
  }

  /** One daemon's appends must not stop the others': each gets a transaction of its own, and only the culprit fails. */
  async #isolate(batch: Batch, error: unknown): Promise<void> {
    if (batch.size > 1) {
      for (const [source, appends] of batch) await this.#commit(new Map([[source, appends]]));
      return;
    }
    for (const source of batch.keys()) {
      this.#failed.add(source);
      source.failed(error);
    }
  }
}

function byteLength(appends: readonly Append[]): number {
  return appends.reduce((sum, { data }) => sum + data.length, 0);
}
