import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { MAX_GOAL } from "../../protocol/routes.ts";

/** No text of MAX_GOAL characters is longer in UTF-8 (bytes). */
const MAX_BYTES = 3 * MAX_GOAL;

/** The goal in words, from the argument, from stdin (`-`) or from a file (`@path`). Throws `goal_invalid`. */
export async function readGoal(argument: string, from: { cwd: string; stdin: NodeJS.ReadableStream }): Promise<string> {
  const goal = (await readSource(argument, from)).trim();
  if (goal === "") throw new MakimaError("goal_invalid", "The goal is empty");
  if (goal.startsWith("--")) {
    throw new MakimaError("goal_invalid", `The goal starts with "--", so it looks like an option`);
  }
  if (goal.includes("\0")) throw new MakimaError("goal_invalid", "The goal holds a NUL character, so it is no text");
  if (goal.length > MAX_GOAL) throw tooLong();
  return goal;
}

async function readSource(argument: string, { cwd, stdin }: { cwd: string; stdin: NodeJS.ReadableStream }) {
  if (argument === "-") return readText(stdin, "stdin");
  if (!argument.startsWith("@")) return argument;
  const path = resolve(cwd, argument.slice(1));
  return readText(createReadStream(path), path);
}

/** Reads no further than a goal can be long, whatever is on the other side. */
async function readText(stream: NodeJS.ReadableStream, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > MAX_BYTES) throw tooLong();
      chunks.push(bytes);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof MakimaError) throw error;
    const cause = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const why = cause === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "it is not UTF-8 text" : cause;
    throw new MakimaError("goal_invalid", `Cannot read the goal from ${name}: ${why}`, { cause: error });
  }
}

function tooLong(): MakimaError {
  return new MakimaError("goal_invalid", `The goal is longer than ${MAX_GOAL.toLocaleString("en")} characters`, {
    hint: "Put the details into files of the repository, and let the goal point at them.",
  });
}
