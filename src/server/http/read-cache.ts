import type { Store } from "../db/store.ts";

/** Most characters of all replies together: a few hundred pages, and nothing to the server. */
const MOST = 8 * 1024 * 1024;

/** What a read was answered with. */
export interface KeptReply {
  json: string;
  etag: string | null;
}

/**
 * Replies to reads, for as long as nothing is written: several tabs, tools and people that look at the same things cost
 * one look into the database. Where other servers write to it too, nobody knows that in time, and nothing is kept.
 */
export class ReadCache {
  readonly #store: Store;
  readonly #replies = new Map<string, KeptReply>();
  #revision: number | null = null;
  #size = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The reply kept under `key`, or else what `read` gives. A read during which something was written is not kept. */
  async get(key: string, read: () => Promise<KeptReply>): Promise<KeptReply> {
    this.#dropStale();
    const kept = this.#replies.get(key);
    if (kept !== undefined) return kept;
    const { revision } = this.#store;
    const reply = await read();
    if (revision !== null && revision === this.#store.revision) this.#keep(key, reply);
    return reply;
  }

  #dropStale(): void {
    if (this.#revision === this.#store.revision) return;
    this.#revision = this.#store.revision;
    this.#replies.clear();
    this.#size = 0;
  }

  #keep(key: string, reply: KeptReply): void {
    this.#dropStale();
    const size = key.length + reply.json.length;
    if (this.#replies.has(key) || this.#size + size > MOST) return;
    this.#size += size;
    this.#replies.set(key, reply);
  }
}
