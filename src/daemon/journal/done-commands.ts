import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { exists, writeAtomic } from "../../platform/files.ts";
import { CommandError } from "../../protocol/link.ts";

/** Ids that are remembered; the server stops repeating a command once it has its answer, so only the newest matter. */
const REMEMBERED = 10_000;

const Entry = z.tuple([z.string(), CommandError.nullable()]);
type Entry = z.infer<typeof Entry>;

/** The commands this daemon has executed, durably: delivered at least once by the server, executed once here. */
export class DoneCommands {
  readonly #path: string;
  readonly #answers: Map<string, CommandError | null>;

  private constructor(path: string, answers: Map<string, CommandError | null>) {
    this.#path = path;
    this.#answers = answers;
  }

  static async open(directory: string): Promise<DoneCommands> {
    const path = join(directory, "commands.done");
    const answers = (await exists(path)) ? parse(await readFile(path, "utf8")) : new Map<string, CommandError | null>();
    const kept = [...answers].slice(-REMEMBERED);
    await writeAtomic(path, kept.map(encode).join(""));
    return new DoneCommands(path, new Map(kept));
  }

  /** The recorded answer (null: done well), or undefined for a command not executed yet. */
  answer(id: string): CommandError | null | undefined {
    return this.#answers.get(id);
  }

  async record(id: string, error: CommandError | null): Promise<void> {
    await appendFile(this.#path, encode([id, error]));
    this.#answers.set(id, error);
  }
}

function encode(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** A line torn by a crash or a full disk is dropped: its command comes again, and every command is idempotent. */
function parse(text: string): Map<string, CommandError | null> {
  return new Map(text.split("\n").flatMap(parseLine));
}

function parseLine(line: string): Entry[] {
  try {
    return [Entry.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
