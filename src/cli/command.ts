import { MakimaError } from "../core/errors.ts";
import { parseDuration } from "../platform/config/units.ts";
import type { Context } from "./context.ts";

/** A command as data: the program, the help and the tests all read it. */
export interface Command<O extends OptionSpecs = OptionSpecs> {
  /** What the help says below the summary. */
  details?: string;
  arguments: ArgumentSpec[];
  options: O;
  /** Each is a command line and what it does. */
  examples: [line: string, does: string][];
  /** Gives the exit code. What it throws is shown, and sets the code by the error table. */
  run(context: Context, input: Input<O>): Promise<number>;
}

export interface ArgumentSpec {
  name: string;
  description: string;
  required: boolean;
  /** It takes all that follow; only the last one may. */
  variadic?: true;
}

/** What a value is, as a JSON schema: an MCP tool has it for its arguments, the reference says it. */
export type ValueSchema =
  | { type: "boolean" }
  | { type: "string"; enum?: readonly string[] }
  | { type: "array"; items: { type: "string" } }
  | { type: "object"; additionalProperties: { type: "string" } }
  | { type: "integer"; minimum: number; maximum: number }
  | { type: "number"; exclusiveMinimum: number };

export interface OptionSpec<T> {
  /** As commander reads them: `--base <ref>`, `-f, --follow`, `--no-loop`. */
  flags: string;
  description: string;
  schema: ValueSchema;
  /** For somebody who watches a terminal: no tool has it. */
  watches?: true;
  /** The value when it is not given. */
  initial: T;
  /** Reads a given value; absent for a flag that takes none. A method, so that specs of all types fit one list. */
  parse?(this: void, text: string, previous: T): T;
}

export type OptionSpecs = Record<string, OptionSpec<unknown>>;

export interface Input<O extends OptionSpecs> {
  /** Positional arguments as given; a missing optional one is undefined. */
  arguments: (string | undefined)[];
  options: { [K in keyof O]: O[K]["initial"] };
}

/** Gives the options their types; adds nothing else. */
export function defineCommand<O extends OptionSpecs>(command: Command<O>): Command<O> {
  return command;
}

export function flag(flags: string, description: string): OptionSpec<boolean> {
  // commander gives `--no-x` the name `x` and the value true until it is given.
  return { flags, description, schema: { type: "boolean" }, initial: flags.startsWith("--no-") };
}

export function text(flags: string, description: string): OptionSpec<string | null> {
  return { flags, description, schema: { type: "string" }, initial: null, parse: (value) => value };
}

/** May be given several times. */
export function list(flags: string, description: string): OptionSpec<string[]> {
  const schema = { type: "array", items: { type: "string" } } as const;
  return { flags, description, schema, initial: [], parse: (value, previous) => [...previous, value] };
}

/** One of a few words. */
export function choice<T extends string>(
  flags: string,
  description: string,
  words: readonly T[],
): OptionSpec<T | null> {
  return parsed(
    { flags, description, schema: { type: "string", enum: words } },
    `one of ${words.join(", ")}`,
    (value) => words.find((word) => word === value) ?? null,
  );
}

/** `gpu=yes`, several times; which names and values are allowed, the server says. */
export function labels(flags: string, description: string): OptionSpec<Record<string, string>> {
  const parse = (value: string, previous: Record<string, string>) => {
    const [, name, content] = /^([^=]+)=(.+)$/s.exec(value) ?? [];
    if (name === undefined || content === undefined) throw notUnderstood(flags, value, "a label such as gpu=yes");
    return { ...previous, [name]: content };
  };
  const schema = { type: "object", additionalProperties: { type: "string" } } as const;
  return { flags, description, schema, initial: {}, parse };
}

/** A duration in milliseconds, of at least one. */
export function duration(flags: string, description: string): OptionSpec<number | null> {
  const expected = "a duration such as 90s, 15m or 1h30m";
  return parsed({ flags, description, schema: { type: "string" } }, expected, (value) => {
    const ms = parseDuration(value);
    return ms !== null && ms > 0 ? ms : null;
  });
}

export function integer(flags: string, description: string, min: number, max: number): OptionSpec<number | null> {
  const schema = { type: "integer", minimum: min, maximum: max } as const;
  return parsed({ flags, description, schema }, `a whole number from ${min} to ${max}`, (value) => {
    const number = Number(value);
    return /^\d+$/.test(value) && number >= min && number <= max ? number : null;
  });
}

/** An amount of US dollars above zero. */
export function dollars(flags: string, description: string): OptionSpec<number | null> {
  const schema = { type: "number", exclusiveMinimum: 0 } as const;
  return parsed({ flags, description, schema }, "an amount above zero such as 2.50", (value) =>
    /^\$?\d+(\.\d+)?$/.test(value) && Number(value.replace("$", "")) > 0 ? Number(value.replace("$", "")) : null,
  );
}

/** Options of every command that talks to a server. */
export const CONNECTION_OPTIONS = {
  server: text("--server <url>", "Server to use instead of the local one (its key: MAKIMA_API_KEY)"),
  config: text("--config <file>", "Configuration file to read"),
};

export const TASK_ARGUMENT: ArgumentSpec = {
  name: "task",
  description: "Id of the task, or its unambiguous beginning or end (default: MAKIMA_TASK_ID)",
  required: false,
};

export const CONTRACT_ARGUMENT: ArgumentSpec = {
  name: "contract",
  description: "Id of the contract, or its unambiguous beginning or end (default: MAKIMA_CONTRACT_ID)",
  required: false,
};

/** The id of anything else. */
export function idArgument(noun: string): ArgumentSpec {
  return { name: noun, description: `Id of the ${noun}, or its unambiguous beginning or end`, required: true };
}

/** The task that the command is about. */
export function taskArgument(context: Context, input: Input<OptionSpecs>): string {
  return idOf(input.arguments[0] ?? context.env["MAKIMA_TASK_ID"], "task", "makima ps --all");
}

/** The contract that the command is about. */
export function contractArgument(context: Context, input: Input<OptionSpecs>): string {
  return idOf(input.arguments[0] ?? context.env["MAKIMA_CONTRACT_ID"], "contract", "makima contract list");
}

/** The given id of a `noun`; `lists` is the command that shows which there are. */
export function idOf(given: string | undefined, noun: string, lists: string): string {
  const id = given?.trim() ?? "";
  if (id !== "") return id;
  throw new MakimaError("usage", `No ${noun} is named`, { hint: `Give the id of a ${noun}; \`${lists}\` lists them.` });
}

function parsed<T>(
  option: Pick<OptionSpec<T>, "flags" | "description" | "schema">,
  expected: string,
  parse: (value: string) => T | null,
): OptionSpec<T | null> {
  return {
    ...option,
    initial: null,
    parse: (value) => {
      const result = parse(value);
      if (result === null) throw notUnderstood(option.flags, value, expected);
      return result;
    },
  };
}

function notUnderstood(flags: string, value: string, expected: string): MakimaError {
  const name = flags.split(" ")[0];
  return new MakimaError("usage", `${name} "${value}" is not understood`, { hint: `Give ${expected}.` });
}
