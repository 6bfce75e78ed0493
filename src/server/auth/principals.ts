import type { Store } from "../db/store.ts";
import { authenticate, keyTopic } from "./keys.ts";
import type { Principal } from "./keys.ts";
import { hashToken, isToken, keyId } from "./tokens.ts";

/** Keys that are remembered: more than are in use at the same time, at a few hundred bytes each. */
const MOST = 2_000;

/**
 * A revocation is heard of at once; should that message of another server be lost, the key ends this much later (ms), and
 * so does one that expires.
 */
const REMEMBERED_FOR = 5_000;

interface Known {
  principal: Promise<Principal | null>;
  /** On the monotonic clock. */
  until: number;
  revocation: Disposable;
}

/** Knows valid keys for a moment, so that not every request has to ask the database who makes it. */
export class Principals implements Disposable {
  readonly #store: Store;
  /** By hash of the token, oldest first. */
  readonly #known = new Map<string, Known>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** null: not a key, or one that has ended. Throws `database_unavailable`. */
  async authenticate(token: string): Promise<Principal | null> {
    if (!isToken(token)) return null;
    const hash = hashToken(token);
    const known = this.#known.get(hash);
    if (known !== undefined && performance.now() < known.until) return known.principal;
    return this.#lookUp(token, hash);
  }

  [Symbol.dispose](): void {
    for (const hash of this.#known.keys()) this.#forget(hash);
  }

  async #lookUp(token: string, hash: string): Promise<Principal | null> {
    this.#forget(hash);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST && oldest !== undefined) this.#forget(oldest);
    // Listening comes before looking: a revocation in between is then heard.
    const revocation = this.#store.wakeups.listen(keyTopic(keyId(hash)), () => this.#forget(hash));
    const principal = authenticate(this.#store, token);
    const known = { principal, until: performance.now() + REMEMBERED_FOR, revocation };
    this.#known.set(hash, known);
    try {
      const found = await principal;
      if (found === null) this.#forget(hash);
      return found;
    } catch (error) {
      this.#forget(hash);
      throw error;
    }
  }

  #forget(hash: string): void {
    this.#known.get(hash)?.revocation[Symbol.dispose]();
    this.#known.delete(hash);
  }
}
