import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { Template } from "./template-file.ts";

/** Templates that everybody has; one of the same name in the person's directory takes its place. */
export const BUILT_IN: Readonly<Record<string, Template>> = {
  feature: {
    type: "simple",
    autonomousLoop: true,
    completionAction: "branch",
    goals: [
      "It does what the goal says, seen from outside",
      "Tests cover it, and fail without it",
      "What used to work still works",
      "The docs say how to use it",
    ],
  },
  bugfix: {
    type: "simple",
    autonomousLoop: true,
    completionAction: "branch",
    goals: [
      "A test shows the defect, and fails before the change",
      "The cause is mended, and not only what was seen of it",
      "Places with the same cause are mended too",
    ],
  },
  specification: {
    type: "specification",
    autonomousLoop: true,
    completionAction: "branch",
    maxParallel: 3,
    goals: [
      "Every requirement can be told to be met or not",
      "Each task has a plan that can be carried out without asking",
      "Everything is implemented, tested and merged",
      "The review names what falls short of the specification",
    ],
  },
};

export interface TemplatePlaces {
  cwd: string;
  /** Where the person's templates lie; need not exist. */
  directory: string;
}

/**
 * A template by its name, or from a file: what has a slash or ends in `.toml`. Throws `not_found`, or `config_invalid`
 * for what is wrong in it.
 */
export async function findTemplate(named: string, { cwd, directory }: TemplatePlaces): Promise<Template> {
  const isFile = named.includes("/") || named.endsWith(".toml");
  const path = isFile ? resolve(cwd, named) : join(directory, `${named}.toml`);
  const text = await read(path);
  if (text !== null) {
    // The schema takes longer to load than all the rest of the command.
    const { parseTemplate } = await import("./template-file.ts");
    return parseTemplate(text, path);
  }
  if (isFile) throw new MakimaError("not_found", `There is no template ${path}`, { hint: "Name a file that exists." });
  const builtIn = Object.hasOwn(BUILT_IN, named) ? BUILT_IN[named] : undefined;
  if (builtIn !== undefined) return builtIn;
  throw new MakimaError("not_found", `There is no template ${JSON.stringify(named)}`, {
    hint: `There are ${(await namesIn(directory)).join(", ")}; more are read from ${directory}, or name a file.`,
  });
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return null;
    const why = error instanceof Error ? error.message : String(error);
    throw new MakimaError("config_invalid", `Cannot read the template ${path}: ${why}`, {
      hint: "Name a file that can be read.",
      cause: error,
    });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  const files = await readdir(directory).catch(() => []);
  const own = files.filter((file) => file.endsWith(".toml")).map((file) => file.slice(0, -".toml".length));
  return [...new Set([...Object.keys(BUILT_IN), ...own])].toSorted();
}
