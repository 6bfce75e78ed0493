import { realpath } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { exists } from "../../platform/files.ts";

/**
 * Directories that the programs and scripts of a command line need in order to start: of each word that is an absolute
 * path, and of the first one as PATH finds it, where it lies and where it leads to, with the package that it is part of.
 */
export async function programPaths(command: readonly string[], path: string): Promise<string[]> {
  const [program = "", ...rest] = command;
  const found = isAbsolute(program) ? program : await findOnPath(program, path);
  const words = [...(found === null ? [] : [found]), ...rest.filter(isAbsolute)];
  return (await Promise.all(words.map(placesOf))).flat();
}

async function findOnPath(program: string, path: string): Promise<string | null> {
  for (const directory of path.split(delimiter).filter(isAbsolute)) {
    const file = join(directory, program);
    if (await exists(file)) return file;
  }
  return null;
}

async function placesOf(file: string): Promise<string[]> {
  if (!(await exists(file))) return [];
  return [file, await packageOf(await realpath(file))];
}

/** The package that a file is part of; the file alone where it is of none. */
async function packageOf(file: string): Promise<string> {
  for (let directory = dirname(file); directory !== dirname(directory); directory = dirname(directory)) {
    if (await exists(join(directory, "package.json"))) return directory;
  }
  return file;
}
