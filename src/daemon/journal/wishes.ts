import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readJson, writeAtomic } from "../../platform/files.ts";
import { MessageKind } from "../../protocol/run-events.ts";
import { requirePlainNames } from "./plain-names.ts";

/** A condition that is waited for; disposing it stops looking. */
interface Condition extends Disposable {
  /** Aborts as soon as the condition holds. */
  readonly signal: AbortSignal;
}

/** A message as it is kept; its text may be long, and is read when it is needed. */
export interface KeptMessage {
  id: string;
  kind: MessageKind;
}

/**
 * What people want of a run that goes on: that it pauses, and what is to be said to its agent. It lies in the run's
 * directory, so that it outlives a crash between the wish and its effect; whether it took effect, the journal says.
 */
export class Wishes {
  readonly #path: string;
  #paused: boolean;
  /** By id, in the order of arrival. */
  readonly #messages: Map<string, KeptMessage & { file: string }>;
  readonly #listeners = new Set<() => void>();

  private constructor(path: string, paused: boolean, messages: (KeptMessage & { file: string })[]) {
    this.#path = path;
    this.#paused = paused;
    this.#messages = new Map(messages.map((message) => [message.id, message]));
  }

  /** Reads what was kept in the run's directory `path`. */
  static async open(path: string): Promise<Wishes> {
    const kept = (await readJson(join(path, PAUSE))) as { paused: boolean } | undefined;
    return new Wishes(path, kept?.paused ?? false, await messagesIn(path));
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** All messages, also those that the agent has heard, in the order of arrival. */
  get messages(): KeptMessage[] {
    return [...this.#messages.values()].map(({ id, kind }) => ({ id, kind }));
  }

  async text(id: string): Promise<string> {
    return readFile(join(this.#path, this.#messages.get(id)?.file ?? id), "utf8");
  }

  async pause(paused: boolean): Promise<void> {
    if (paused === this.#paused) return;
    await writeAtomic(join(this.#path, PAUSE), JSON.stringify({ paused }));
    this.#paused = paused;
    this.#changed();
  }

  /** Keeps a message; one that is known already is the same. Throws `invalid_request` for an id that is no plain name. */
  async say({ id, kind, text }: KeptMessage & { text: string }): Promise<void> {
    if (this.#messages.has(id)) return;
    requirePlainNames("message", [id]);
    const file = `message-${String(this.#messages.size + 1).padStart(ORDER_DIGITS, "0")}-${id}.${kind}`;
    await writeAtomic(join(this.#path, file), text);
    this.#messages.set(id, { id, kind, file });
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
/** Not the temporary file of a write that a crash cut short. Makima 0.1 knew only the words of people: without a kind. */
const MESSAGE = /^message-\d{6}-([\w-]+)(?:\.([a-z]+))?$/;

async function messagesIn(path: string): Promise<(KeptMessage & { file: string })[]> {
  const files = (await readdir(path)).toSorted();
  return files.flatMap((file) => {
    const [, id, suffix = "person"] = MESSAGE.exec(file) ?? [];
    const kind = MessageKind.safeParse(suffix);
    return id === undefined || !kind.success ? [] : [{ id, kind: kind.data, file }];
  });
}
