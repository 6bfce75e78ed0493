import { z } from "zod";
import { readJson, writeAtomic } from "../../platform/files.ts";

/** Task id -> when the server first said that it does not know it (epoch ms). */
const Marks = z.record(z.string(), z.number());

/**
 * Tasks that the server does not know although this daemon has checkouts of them. Since when, is kept on disk: a server
 * that knows nothing may be the wrong one, or one that has lost its database for the moment.
 */
export class Orphans {
  readonly #path: string;
  #since: ReadonlyMap<string, number>;
  /** What a server has said in this daemon's life: on the word of an earlier one nothing is removed. */
  #confirmed = false;

  private constructor(path: string, since: ReadonlyMap<string, number>) {
    this.#path = path;
    this.#since = since;
  }

  /** A file that cannot be read is no harm: the time only begins anew. */
  static async open(path: string): Promise<Orphans> {
    const { data = {} } = Marks.safeParse(await readJson(path).catch(() => undefined));
    return new Orphans(path, new Map(Object.entries(data)));
  }

  /** These are all that there are now; a task that is known again has lost its mark. */
  async note(taskIds: readonly string[], now: number): Promise<void> {
    // A clock that was set back must not make anything wait for longer.
    const since = new Map(taskIds.map((id) => [id, Math.min(this.#since.get(id) ?? now, now)]));
    const changed = since.size !== this.#since.size || taskIds.some((id) => this.#since.get(id) !== since.get(id));
    this.#since = since;
    this.#confirmed = true;
    if (changed) await writeAtomic(this.#path, JSON.stringify(Object.fromEntries(since)));
  }

  /** Those that have been orphans for at least `grace` ms, and still were when a server was last asked. */
  due(now: number, grace: number): Set<string> {
    if (!this.#confirmed) return new Set();
    return new Set([...this.#since].flatMap(([id, since]) => (now - since >= grace ? [id] : [])));
  }
}
