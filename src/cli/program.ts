import { Command as Commander, CommanderError, Option } from "commander";
import { MakimaError } from "../core/errors.ts";
import { CATALOG } from "./catalog.ts";
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
  const context: Context = { ...surroundings, output };
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
  const program = createProgram(context);
  for (const [name, { summary, load }] of Object.entries(CATALOG)) {
    const commander = program.command(name).summary(summary).description(summary);
    // The others only stand in the list, and for suggestions.
    if (!namesCommand(argv, name)) continue;
    const command = await load();
    configure(commander, command);
    commander.action(async () => {
      code = await command.run(context, readInput(commander, command));
    });
  }
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(error, argv);
  }
  return code;
}

function namesCommand(argv: string[], name: string): boolean {
  return argv[0] === name || (argv[0] === "help" && argv[1] === name);
}

/** Subcommands inherit these settings, so they come before the first of them. */
function createProgram({ stdout }: Context): Commander {
  return new Commander("makima")
    .description("State a goal, leave it alone, trust what you find.")
    .version(VERSION, "--version", "Print the version")
    .helpOption("-h, --help", "Print the help")
    .helpCommand("help [command]", "Print the help of a command")
    .showSuggestionAfterError(true)
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
    );
}

function configure(commander: Commander, command: Command): void {
  if (command.details !== undefined) commander.description(`${commander.summary()}.\n\n${command.details}`);
  for (const { name, description, required } of command.arguments) {
    commander.argument(required ? `<${name}>` : `[${name}]`, description);
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
  return { arguments: commander.processedArgs, options: Object.fromEntries(options) };
}

function usageError(error: CommanderError, argv: string[]): MakimaError {
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  return new MakimaError("usage", capitalise(message), { hint: usageHint(error, suggestion, argv) });
}

function usageHint(error: CommanderError, suggestion: string | undefined, argv: string[]): string {
  if (suggestion !== undefined) return suggestion.replaceAll(/^\(|\)$/g, "");
  if (error.code === "commander.excessArguments") return "Put an argument that holds spaces in quotes.";
  const name = argv[0] ?? "";
  return `See \`makima ${Object.hasOwn(CATALOG, name) ? `${name} ` : ""}--help\`.`;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
