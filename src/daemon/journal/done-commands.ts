import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { exists, writeAtomic } from "../../platform/files.ts";
import { CommandError } from "../../protocol/link.ts";

/**
 * Answers that are remembered (a count, and bytes): the server stops repeating a command once it has its answer, so only
 * the newest matter.
 */
const REMEMBERED = 10_000;
const REMEMBERED_BYTES = 8 * 1024 * 1024;

/** What a command came to: done well when `error` is null. `result` is an operation's. */
export interface Answer {
  error: CommandError | null;
  result: Record<string, unknown> | null;
}

/** Id, error, result; the result was not there before there were operations. */
const Entry = z.tuple([z.string(), CommandError.nullable(), z.record(z.string(), z.unknown()).nullable().optional()]);

interface Remembered {
  answer: Answer;
  /** Its line in the file. */
  line: string;
}

/** The commands this daemon has executed, durably: delivered at least once by the server, executed once here. */
export class DoneCommands {
  readonly #path: string;
  /** In the order in which they were recorded. */
  readonly #remembered: Map<string, Remembered>;
  #bytes = 0;
  /** Bytes in the file of what is no longer remembered. */
  #stale = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, remembered: Map<string, Remembered>) {
    this.#path = path;
    this.#remembered = remembered;
    for (const { line } of remembered.values()) this.#bytes += line.length;
  }

  static async open(directory: string): Promise<DoneCommands> {
    const path = join(directory, "commands.done");
    const text = (await exists(path)) ? await readFile(path, "utf8") : "";
    const commands = new DoneCommands(path, new Map(text.split("\n").flatMap(parseLine)));
    commands.#forget();
    await commands.#rewrite();
    return commands;
  }

  /** The recorded answer, or undefined for a command not executed yet. */
  answer(id: string): Answer | undefined {
    return this.#remembered.get(id)?.answer;
  }

  /** One write after the other: an answer that is appended must not fall to the file that replaces this one. */
  record(id: string, answer: Answer): Promise<void> {
    const written = this.#writing.then(() => this.#record(id, answer));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #record(id: string, answer: Answer): Promise<void> {
    const line = encode(id, answer);
    await appendFile(this.#path, line);
    this.#remembered.set(id, { answer, line });
    this.#bytes += line.length;
    this.#forget();
    if (this.#stale > REMEMBERED_BYTES) await this.#rewrite();
  }

  #forget(): void {
    for (const [id, { line }] of this.#remembered) {
      if (this.#remembered.size <= REMEMBERED && this.#bytes <= REMEMBERED_BYTES) return;
      this.#remembered.delete(id);
      this.#bytes -= line.length;
      this.#stale += line.length;
    }
  }

  async #rewrite(): Promise<void> {
    await writeAtomic(this.#path, [...this.#remembered.values()].map(({ line }) => line).join(""));
    this.#stale = 0;
  }
}

function encode(id: string, { error, result }: Answer): string {
  return `${JSON.stringify([id, error, result])}\n`;
}

/** A line torn by a crash or a full disk is dropped: its command comes again, and every command is idempotent. */
function parseLine(text: string): [string, Remembered][] {
  try {
    const [id, error, result = null] = Entry.parse(JSON.parse(text));
    const answer = { error, result };
    return [[id, { answer, line: encode(id, answer) }]];
  } catch {
    return [];
  }
}
