import { randomUUID } from "node:crypto";
import { MINUTE } from "../platform/config/units.ts";
import type { Store } from "./db/store.ts";
import { isUnavailable } from "./unavailable.ts";

/** How long a server that died at it keeps the others from it: what is shared out like this is never urgent. */
const TERM = 30 * MINUTE;

/** Work that one server does for all that share the database; on a database of its own it is always this one's. */
export class Duty implements AsyncDisposable {
  readonly #store: Store;
  readonly #name: string;
  readonly #holder = randomUUID();
  /** By the monotonic clock (ms): until then it is ours without asking again. */
  #certainUntil = 0;

  constructor(store: Store, name: string) {
    this.#store = store;
    this.#name = name;
  }

  /** Whether it is this server's for now: to be asked before each step, none of which takes longer than half a term. */
  async isMine(): Promise<boolean> {
    if (!this.#store.shared || performance.now() < this.#certainUntil) return true;
    const asked = performance.now();
    const mine = await this.#take();
    this.#certainUntil = mine ? asked + TERM / 2 : 0;
    return mine;
  }

  /** Leaves it to the others at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#certainUntil === 0 || this.#store.away !== null) return;
    try {
      await this.#store.write(({ db }) =>
        db.deleteFrom("duties").where("name", "=", this.#name).where("holder", "=", this.#holder).execute(),
      );
    } catch (error) {
      // Then they have it when the term is over.
      if (!isUnavailable(error)) throw error;
    }
  }

  #take(): Promise<boolean> {
    return this.#store.write(async ({ db, now }) => {
      const held = await db.selectFrom("duties").selectAll().where("name", "=", this.#name).executeTakeFirst();
      if (held !== undefined && held.holder !== this.#holder && held.until > now) return false;
      const values = { name: this.#name, holder: this.#holder, until: now + TERM };
      await db
        .insertInto("duties")
        .values(values)
        .onConflict((it) => it.column("name").doUpdateSet(values))
        .execute();
      return true;
    });
  }
}
