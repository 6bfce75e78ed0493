import { setImmediate } from "node:timers/promises";
import type { Logger } from "../../platform/log.ts";
import type { Holder } from "../daemons/identity.ts";
import type { Store, Write } from "../db/store.ts";
import { isUnavailable } from "../unavailable.ts";
import { ingest, weightOf } from "./ingest.ts";
import type { Append, Receipt } from "./ingest.ts";

/** Most weight of one transaction: more would only make the acknowledgements come later. */
const MAX_BATCH = 8 * 1024 * 1024;

/** One link: it sends appends of one daemon, and hears of each what became of it. */
export interface AppendSource {
  readonly holder: Holder;
  /** Appends of this weight have been dealt with. */
  committed(receipts: readonly Receipt[], weight: number): void;
  /** It does not hold the daemon's identity any more: nothing of its appends was stored, and nothing will be. */
  superseded(): void;
  /** Nothing of its appends was stored; later ones must not be either, or order would be lost. */
  failed(error: unknown): void;
}

type Batch = Map<AppendSource, Append[]>;

interface Waiting {
  source: AppendSource;
  append: Append;
  /** On the monotonic clock. */
  since: number;
}

/**
 * Commits the appends of all links together: one disk flush for everything that has arrived since the last one began.
 * The more there is to do, the larger the transactions become.
 */
export class GroupCommit implements AsyncDisposable {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #over = new WeakSet<AppendSource>();
  #queue: Waiting[] = [];
  #running: Promise<void> | null = null;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  add(source: AppendSource, append: Append): void {
    this.#queue.push({ source, append, since: performance.now() });
    this.#running ??= this.#run();
  }

  /** Waits until everything added has been dealt with. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let [oldest] = this.#queue; oldest !== undefined; [oldest] = this.#queue) {
      // Lets everything that has already arrived on the other sockets join the transaction.
      await setImmediate();
      await this.#commit(this.#take(), oldest.since);
    }
    this.#running = null;
  }

  #take(): Batch {
    const batch: Batch = new Map();
    let weight = 0;
    let count = 0;
    for (const { source, append } of this.#queue) {
      if (weight >= MAX_BATCH) break;
      count += 1;
      if (this.#over.has(source)) continue;
      weight += weightOf(append);
      const appends = batch.get(source) ?? [];
      batch.set(source, appends);
      appends.push(append);
    }
    this.#queue = this.#queue.slice(count);
    return batch;
  }

  async #commit(batch: Batch, since: number): Promise<void> {
    try {
      const receipts = await this.#store.write((tx) => this.#ingest(tx, batch));
      this.#store.metrics.appendsCommitted(bytesOf(batch), performance.now() - since);
      for (const [source, appends] of batch) this.#answer(source, appends, receipts.get(source) ?? null);
    } catch (error) {
      if (batch.size > 1 && !isUnavailable(error)) await this.#isolate(batch, since);
      else for (const source of batch.keys()) this.#fail(source, error);
    }
  }

  async #ingest(tx: Write, batch: Batch): Promise<Map<AppendSource, Receipt[] | null>> {
    const receipts = new Map<AppendSource, Receipt[] | null>();
    for (const [source, appends] of batch) {
      receipts.set(source, await ingest(tx, source.holder, appends, this.#log));
    }
    return receipts;
  }

  #answer(source: AppendSource, appends: readonly Append[], receipts: Receipt[] | null): void {
    if (receipts !== null) {
      source.committed(
        receipts,
        appends.reduce((sum, append) => sum + weightOf(append), 0),
      );
      return;
    }
    this.#over.add(source);
    source.superseded();
  }

  /** One daemon's appends must not stop the others': each gets a transaction of its own, and only the culprit fails. */
  async #isolate(batch: Batch, since: number): Promise<void> {
    for (const [source, appends] of batch) await this.#commit(new Map([[source, appends]]), since);
  }

  #fail(source: AppendSource, error: unknown): void {
    this.#over.add(source);
    source.failed(error);
  }
}

function bytesOf(batch: Batch): number {
  return [...batch.values()].flat().reduce((sum, { data }) => sum + data.length, 0);
}
