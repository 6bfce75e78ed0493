import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readJson, writeAtomic } from "../../platform/files.ts";
import { requirePlainNames } from "./plain-names.ts";

/** A condition that is waited for; disposing it stops looking. */
interface Condition extends Disposable {
  /** Aborts as soon as the condition holds. */
  readonly signal: AbortSignal;
}

/**
 * What people want of a run that goes on: that it pauses, and what they have to say to its agent. It lies in the run's
 * directory, so that it outlives a crash between the wish and its effect; whether it took effect, the journal says.
 */
export class Wishes {
  readonly #path: string;
  #paused: boolean;
  /** File of each message by its id, in the order of arrival. */
  readonly #messages: Map<string, string>;
  readonly #listeners = new Set<() => void>();

  private constructor(path: string, paused: boolean, messages: Map<string, string>) {
    this.#path = path;
    this.#paused = paused;
    this.#messages = messages;
  }

  /** Reads what was kept in the run's directory `path`. */
  static async open(path: string): Promise<Wishes> {
    const kept = (await readJson(join(path, PAUSE))) as { paused: boolean } | undefined;
    return new Wishes(path, kept?.paused ?? false, await messagesIn(path));
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Ids of all messages, also those that the agent has heard, in the order of arrival. */
  get messages(): string[] {
    return [...this.#messages.keys()];
  }

  async text(id: string): Promise<string> {
    return readFile(join(this.#path, this.#messages.get(id) ?? id), "utf8");
  }

  async pause(paused: boolean): Promise<void> {
    if (paused === this.#paused) return;
    await writeAtomic(join(this.#path, PAUSE), JSON.stringify({ paused }));
    this.#paused = paused;
    this.#changed();
  }

  /** Keeps a message; one that is known already is the same. Throws `invalid_request` for an id that is no plain name. */
  async say(id: string, text: string): Promise<void> {
    if (this.#messages.has(id)) return;
    requirePlainNames("message", [id]);
    const file = `message-${String(this.#messages.size + 1).padStart(ORDER_DIGITS, "0")}-${id}`;
    await writeAtomic(join(this.#path, file), text);
    this.#messages.set(id, file);
    this.#changed();
  }

  /** Looks at `condition` now and after every change. */
  when(condition: () => boolean): Condition {
    const controller = new AbortController();
    const look = (): void => {
      if (condition()) controller.abort();
    };
    this.#listeners.add(look);
    look();
    return { signal: controller.signal, [Symbol.dispose]: () => void this.#listeners.delete(look) };
  }

  #changed(): void {
    for (const look of this.#listeners) look();
  }
}

const PAUSE = "pause.json";
/** The name tells the order: more than a million messages are not said in one run. */
const ORDER_DIGITS = 6;
/** Not the temporary file of a write that a crash cut short. */
const MESSAGE = /^message-\d{6}-([\w-]+)$/;

async function messagesIn(path: string): Promise<Map<string, string>> {
  const files = (await readdir(path)).toSorted();
  return new Map(
    files.flatMap((file) => {
      const id = MESSAGE.exec(file)?.[1];
      return id === undefined ? [] : [[id, file] as const];
    }),
  );
}
