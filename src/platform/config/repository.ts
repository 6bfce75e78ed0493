import { z } from "zod";
import type { Git } from "../git/git.ts";
import { readFileAt } from "../git/repository.ts";
import { problemsOf, throwProblems } from "./problems.ts";
import { duration } from "./schema.ts";
import { parseToml } from "./toml.ts";

/** A check of `.makima.toml`. */
export interface RepositoryCheck {
  /** The command itself unless it was given a name. */
  name: string;
  command: string;
  /** Time limit; null: the loop's `checkTimeoutMs`. */
  timeoutMs: number | null;
}

/** What a repository asks for in `.makima.toml`. */
export interface RepositoryConfig {
  checks: RepositoryCheck[];
  /** Name of a configured agent; null: the person's choice. */
  agent: string | null;
}

const Command = z.string("expected a command in quotes").trim().min(1, "must not be empty");

const Check = z.strictObject(
  { name: Command.optional(), command: Command, timeout: duration().optional() },
  "expected a command, or { name, command, timeout }",
);

const RepositoryFile = z.strictObject({
  checks: z
    .array(
      z.preprocess((value) => (typeof value === "string" ? { command: value } : value), Check),
      "expected a list of commands",
    )
    .optional(),
  agent: z.string("expected the name of an agent").min(1, "must not be empty").optional(),
});

const FILE_NAME = ".makima.toml";

/** What the repository at `topLevel` asks for in a commit; nothing when it has no `.makima.toml` there. */
export async function readRepositoryConfig(git: Git, topLevel: string, commit: string): Promise<RepositoryConfig> {
  const file = await readFileAt(git, { cwd: topLevel }, commit, FILE_NAME);
  return file === null ? { checks: [], agent: null } : parseRepositoryConfig(file.toString("utf8"), FILE_NAME);
}

/**
 * Parses the text of a repository's `.makima.toml`. `fileName` is how errors call it: `config_invalid` has a line for
 * each problem, with the line that it stands on.
 */
export function parseRepositoryConfig(text: string, fileName: string): RepositoryConfig {
  const document = parseToml(text, fileName);
  const { data, error } = RepositoryFile.safeParse(document.data);
  const problems = problemsOf(error?.issues ?? [], keysAt);
  throwProblems(problems, (path) => `${fileName}:${document.lineOf(path)}`);
  return { checks: (data?.checks ?? []).map(toCheck), agent: data?.agent ?? null };
}

function keysAt(path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(path.length === 0 ? RepositoryFile.shape : Check.shape);
}

function toCheck({ name, command, timeout }: z.output<typeof Check>): RepositoryCheck {
  return { name: name ?? command, command, timeoutMs: timeout ?? null };
}
