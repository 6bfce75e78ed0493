import { Command as Commander, CommanderError, Option } from "commander";
import { MakimaError } from "../core/errors.ts";
import { CATALOG } from "./catalog.ts";
import type { Catalog, CatalogEntry } from "./catalog/entry.ts";
import { flag } from "./command.ts";
import type { Command, Input, OptionSpec, OptionSpecs } from "./command.ts";
import type { Context, Surroundings } from "./context.ts";
import { reportFailure } from "./failure.ts";
import { requireNode } from "./node-version.ts";
import { Output } from "./output.ts";
import { VERSION } from "./version.ts";

/** Runs one command line and gives its exit code; whatever happens is told on the streams, nothing is thrown. */
export async function runCommandLine(argv: string[], surroundings: Surroundings): Promise<number> {
  const output = new Output(surroundings.stdout, surroundings.stderr, asksForJson(argv));
  const context: Context = { ...surroundings, output, literal: false };
  let code: number;
  try {
    requireNode(process.versions.node);
    code = await dispatch(argv.length === 0 ? ["--help"] : argv, context);
  } catch (error) {
    code = reportFailure(output, error);
  }
  await output.flush();
  if (output.failure === null) return code;
  const hint = "Make room on the disk, or send the output elsewhere.";
  return reportFailure(
    output,
    new MakimaError("unavailable", `Cannot write the output (${output.failure.message})`, { hint }),
  );
}

/** Known before the options are parsed, because their errors are told that way too. */
function asksForJson(argv: string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? argv.length : end).includes("--json");
}

async function dispatch(argv: string[], context: Context): Promise<number> {
  let code = 0;
  const line = withoutHelpCommand(argv);
  const program = createProgram(context);
  addCommands(program, CATALOG, line[0], async (commander, entry) => {
    if (entry.load === undefined || namesVerb(entry, line)) return;
    const command = await entry.load();
    configure(commander, command);
    commander.action(async () => {
      code = await command.run(context, readInput(commander, command));
    });
  });
  try {
    await program.parseAsync(line, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(error, line);
  }
  return code;
}

/** `help daemon list` is `daemon list --help`: commander's own help knows one level only. */
function withoutHelpCommand(argv: string[]): string[] {
  const [first, ...words] = argv;
  if (first !== "help") return argv;
  const known = wordsOfCommand(words);
  const unknown = words[known.length];
  if (unknown === undefined || unknown.startsWith("-")) return [...words, "--help"];
  throw new MakimaError("usage", `Unknown command '${[...known, unknown].join(" ")}'`, {
    hint: "See `makima --help`.",
  });
}

/** The words that a line begins with and that name a command: one, two, or none. */
function wordsOfCommand([noun = "", verb = ""]: string[]): string[] {
  if (!Object.hasOwn(CATALOG, noun)) return [];
  return Object.hasOwn(CATALOG[noun]?.verbs ?? {}, verb) ? [noun, verb] : [noun];
}

/** Whether the line goes on with what can only be a verb; a wrong one is commander's to refuse, with a suggestion. */
function namesVerb({ verbs }: CatalogEntry, line: string[]): boolean {
  return verbs !== undefined && line[1] !== undefined && !line[1].startsWith("-");
}

type Load = (commander: Commander, entry: CatalogEntry) => Promise<void>;

/**
 * Every command has its name and summary, for the list and for suggestions; only those on the line are loaded, and only
 * the noun on it gets its verbs: each takes time at every start.
 */
function addCommands(parent: Commander, catalog: Catalog, used: string | undefined, load: Load): void {
  for (const [name, { summary, verbs }] of Object.entries(catalog)) {
    const commander = parent.command(name).summary(summary).description(summary).helpCommand(false);
    if (verbs === undefined || name !== used) continue;
    addCommands(commander, verbs, undefined, load);
    commander.addHelpText("after", `\n\`makima ${name} COMMAND --help\` has examples.`);
  }
  parent.hook("preSubcommand", async (_, commander) => {
    const entry = catalog[commander.name()];
    if (entry !== undefined) await load(commander, entry);
  });
}

/** Subcommands inherit these settings, so they come before the first of them. */
function createProgram({ stdout }: Context): Commander {
  return (
    new Commander("makima")
      .description("State a goal, leave it alone, trust what you find.")
      .version(VERSION, "--version", "Print the version")
      .helpOption("-h, --help", "Print the help")
      .helpCommand("help [command]", "Print the help of a command")
      .showSuggestionAfterError(true)
      // `daemon list --server URL`: the option is the verb's, though the noun has one of that name too.
      .enablePositionalOptions()
      .exitOverride()
      .configureOutput({
        // To stdout whether --json is given or not: who asks for help wants to read it.
        writeOut: (text) => void stdout.write(text),
        writeErr: () => {},
        outputError: () => {},
      })
      .addHelpText(
        "after",
        '\nRun `makima run "GOAL"` in a git repository to begin; `makima help COMMAND` has examples.',
      )
  );
}

function configure(commander: Commander, command: Command): void {
  if (command.details !== undefined) commander.description(`${commander.summary()}.\n\n${command.details}`);
  for (const { name, description, required, variadic } of command.arguments) {
    const label = variadic === true ? `${name}...` : name;
    commander.argument(required ? `<${label}>` : `[${label}]`, description);
  }
  for (const option of Object.values(optionsOf(command))) commander.addOption(toCommander(option));
  const examples = command.examples.map(([line, does]) => `  $ ${line}\n      ${does}`);
  commander.addHelpText("after", `\nExamples:\n${examples.join("\n")}`);
}

/** Every command takes --json; what it says is known already, see asksForJson. */
function optionsOf(command: Command): OptionSpecs {
  return { ...command.options, json: flag("--json", "Print JSON on stdout and nothing else") };
}

/** commander is not told of the initial values: it would print them in the help. */
function toCommander(spec: OptionSpec<unknown>): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.parse === undefined) return option;
  return option.argParser((value, previous) => spec.parse?.(value, previous ?? spec.initial));
}

function readInput(commander: Commander, command: Command): Input<OptionSpecs> {
  const given: Record<string, unknown> = commander.opts();
  const options = Object.entries(command.options).map(([key, spec]) => {
    const name = new Option(spec.flags).attributeName();
    return [key, given[name] ?? spec.initial];
  });
  return { arguments: commander.processedArgs.flat(), options: Object.fromEntries(options) };
}

function usageError(error: CommanderError, argv: string[]): MakimaError {
  const words = wordsOfCommand(argv);
  const see = `See \`makima ${[...words, ""].join(" ")}--help\`.`;
  // commander would print the help instead.
  if (error.code === "commander.help") {
    return new MakimaError("usage", `"makima ${words.join(" ")}" needs another word`, { hint: see });
  }
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  return new MakimaError("usage", capitalise(message), { hint: usageHint(error, suggestion) ?? see });
}

function usageHint(error: CommanderError, suggestion: string | undefined): string | null {
  if (suggestion !== undefined) return suggestion.replaceAll(/^\(|\)$/g, "");
  return error.code === "commander.excessArguments" ? "Put an argument that holds spaces in quotes." : null;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
