import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import type { Environment } from "./agent.ts";

/**
 * Rejects with `agent_missing` unless the first word of `command` is an executable file, by absolute path or in a
 * directory of PATH. A relative path is refused: it would mean another file in every checkout.
 */
export async function requireProgram(command: readonly string[], environment: Environment): Promise<void> {
  const [program] = command;
  if (program === undefined) throw new MakimaError("agent_missing", "The agent has no command");
  const name = JSON.stringify(program);
  if (isAbsolute(program)) {
    if (await isExecutable(program)) return;
    throw new MakimaError("agent_missing", `The agent's command ${name} is not an executable file`);
  }
  if (program.includes("/")) {
    throw new MakimaError("agent_missing", `The agent's command ${name} is a relative path`, {
      hint: "Give an absolute path or the name of a program on PATH as [agents.<name>] command.",
    });
  }
  for (const directory of (environment["PATH"] ?? "").split(delimiter)) {
    if (isAbsolute(directory) && (await isExecutable(join(directory, program)))) return;
  }
  throw new MakimaError("agent_missing", `The agent's command ${name} is not on PATH`);
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
