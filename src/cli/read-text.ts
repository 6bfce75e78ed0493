import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { MakimaError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";

/** A text that a person gives to a command. */
export interface TextKind {
  /** "goal" */
  name: string;
  /** Characters. */
  max: number;
  /** Code of what is wrong with it. */
  code: ErrorCode;
  /** What to do with one that is too long. */
  tooLong: string;
  /** The space around it is part of it. */
  exact?: true;
}

export interface TextSource {
  cwd: string;
  stdin: NodeJS.ReadableStream;
  /** The text stands for itself, whatever it begins with. */
  literal?: boolean;
}

/** A text from the argument, from stdin (`-`) or from a file (`@path`), mostly without the space around it. */
export async function readText(argument: string, kind: TextKind, from: TextSource): Promise<string> {
  const source = await readSource(argument, kind, from);
  const text = kind.exact === true ? source : source.trim();
  if (text.trim() === "") throw new MakimaError(kind.code, `The ${kind.name} is empty`);
  if (text.includes("\0")) {
    throw new MakimaError(kind.code, `The ${kind.name} holds a NUL character, so it is no text`);
  }
  if (text.length > kind.max) throw tooLong(kind);
  return text;
}

async function readSource(argument: string, kind: TextKind, { cwd, stdin, literal }: TextSource): Promise<string> {
  if (literal === true) return argument;
  if (argument === "-") return readStream(stdin, "stdin", kind);
  if (!argument.startsWith("@")) return argument;
  const path = resolve(cwd, argument.slice(1));
  return readStream(createReadStream(path), path, kind);
}

/** Reads no further than the text can be long, whatever is on the other side: no character has more than 3 bytes. */
async function readStream(stream: NodeJS.ReadableStream, source: string, kind: TextKind): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > 3 * kind.max) throw tooLong(kind);
      chunks.push(bytes);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof MakimaError) throw error;
    const cause = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const why = cause === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "it is not UTF-8 text" : cause;
    throw new MakimaError(kind.code, `Cannot read the ${kind.name} from ${source}: ${why}`, { cause: error });
  }
}

function tooLong({ name, max, code, tooLong: hint }: TextKind): MakimaError {
  return new MakimaError(code, `The ${name} is longer than ${max.toLocaleString("en")} characters`, { hint });
}
