import { Readable, Writable } from "node:stream";
import { MakimaError } from "../../core/errors.ts";
import type { Command, Input, OptionSpec, OptionSpecs } from "../command.ts";
import type { Context, Surroundings } from "../context.ts";
import { reportFailure } from "../failure.ts";
import { Output } from "../output.ts";
import { toolOptions } from "./tools.ts";

/** Most characters of a result: a model cannot use more, and the log of a task may be any size. */
const MAX_RESULT = 200_000;

/** What a tool was asked to do, and how it can be stopped. */
export interface ToolCall {
  command: Command;
  arguments: Readonly<Record<string, unknown>>;
  /** Aborts when the client does not want the result any more: what Ctrl-C is to the command. */
  signal: AbortSignal;
}

/** What the command printed with `--json`, or why it failed. */
export interface ToolResult {
  text: string;
  isError: boolean;
}

/** Runs a command as it would run from a command line with `--json`. Never throws. */
export async function callTool(surroundings: Surroundings, call: ToolCall): Promise<ToolResult> {
  const stdout = new Capture();
  const stderr = new Capture();
  const output = new Output(stdout, stderr, true);
  const code = await run(call, {
    ...surroundings,
    stdin: Readable.from([]),
    stdout,
    stderr,
    output,
    literal: true,
    onSignals: (_, listener) => onAbort(call.signal, listener),
    // The process serves other calls: a command that wants to end at once ends alone.
    exit: () => {
      throw new MakimaError("interrupted", "The call was given up");
    },
  }).catch((error: unknown) => reportFailure(output, error));
  await output.flush();
  const printed = stdout.text;
  if (code === 0) return { text: printed, isError: false };
  return { text: [printed, stderr.text].filter((text) => text !== "").join("\n"), isError: true };
}

async function run({ command, arguments: given }: ToolCall, context: Context): Promise<number> {
  return command.run(context, inputOf(command, given));
}

/** The arguments of a tool as the input of its command. Throws `usage` for what the tool's schema does not allow. */
export function inputOf(command: Command, given: Readonly<Record<string, unknown>>): Input<OptionSpecs> {
  const options = toolOptions(command);
  const names = new Set([...command.arguments.map(({ name }) => name), ...options.map(([key]) => key)]);
  const unknown = Object.keys(given).find((name) => !names.has(name));
  if (unknown !== undefined) throw wrong(unknown, `there is none of that name, but ${[...names].join(", ")}`);
  const initial = Object.entries(command.options).map(([key, { initial: value }]) => [key, value] as const);
  const read = options.flatMap(([key, option]) => {
    const value = given[key];
    return value === undefined || value === null ? [] : [[key, readOption(key, option, value)] as const];
  });
  return { arguments: positional(command, given), options: Object.fromEntries([...initial, ...read]) };
}

function positional(command: Command, given: Readonly<Record<string, unknown>>): (string | undefined)[] {
  return command.arguments.flatMap(({ name, required, variadic }) => {
    const value = given[name];
    if (value === undefined || value === null) {
      if (required) throw wrong(name, "it is required");
      return variadic === true ? [] : [undefined];
    }
    const values = variadic === true && Array.isArray(value) ? value : [value];
    return values.map((one) => requireText(name, one));
  });
}

/** A value goes through the option's own parser, so that a tool refuses what the command refuses. */
function readOption(key: string, { schema, parse, initial }: OptionSpec<unknown>, value: unknown): unknown {
  if (parse === undefined) {
    if (typeof value !== "boolean") throw wrong(key, "give true or false");
    return value;
  }
  return textsOf(key, schema.type, value).reduce<unknown>((previous, text) => parse(text, previous), initial);
}

function textsOf(key: string, type: OptionSpec<unknown>["schema"]["type"], value: unknown): string[] {
  if (type === "array") {
    if (!Array.isArray(value)) throw wrong(key, "give a list of texts");
    return value.map((one) => requireText(key, one));
  }
  if (type === "object") {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw wrong(key, "give an object of texts");
    return Object.entries(value).map(([name, content]) => `${name}=${requireText(key, content)}`);
  }
  return [typeof value === "number" ? String(value) : requireText(key, value)];
}

function requireText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw wrong(name, "give a text");
}

function wrong(name: string, what: string): MakimaError {
  return new MakimaError("usage", `The argument ${JSON.stringify(name)} is not understood: ${what}`, {
    hint: "Compare the call with the tool's input schema.",
  });
}

function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
}

/** Keeps the beginning of what is written; the rest is counted. */
class Capture extends Writable {
  #text = "";
  #left = 0;

  override _write(chunk: Buffer | string, _: BufferEncoding, done: () => void): void {
    const text = chunk.toString();
    const room = Math.max(0, MAX_RESULT - this.#text.length);
    this.#text += text.slice(0, room);
    this.#left += Math.max(0, text.length - room);
    done();
  }

  get text(): string {
    return this.#left === 0 ? this.#text.trimEnd() : `${this.#text}\n... and ${this.#left} more characters`;
  }
}
