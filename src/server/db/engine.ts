import type { Kysely, Transaction } from "kysely";
import type { Tables } from "./tables.ts";

/** What reading needs; a transaction is one too. */
export type Db = Kysely<Tables>;

/** One write transaction. Whoever gets one must not wait for anything but the database: every other writer waits too. */
export interface Write {
  readonly db: Transaction<Tables>;
  /** The moment of the transaction, epoch ms. */
  readonly now: number;
  /** Wakes those who listen to the topic, if and when the transaction has been committed. */
  wake(topic: string): void;
}

/** Since when (epoch ms) the database does not answer, and why, without anything secret. */
export interface Away {
  since: number;
  problem: string;
}

/** What differs between SQLite and PostgreSQL; everything else sees a Store. */
export interface Engine extends AsyncDisposable {
  readonly db: Db;
  /** Several servers may work on it at the same time. */
  readonly shared: boolean;
  readonly away: Away | null;
  available(signal?: AbortSignal): Promise<void>;
  write<T>(work: (tx: Write) => Promise<T>): Promise<T>;
}
