import { CATALOG } from "../../src/cli/catalog.ts";
import type { Audience, CatalogEntry } from "../../src/cli/catalog/entry.ts";
import type { Command, OptionSpec } from "../../src/cli/command.ts";

/** A command by the words that name it. */
export interface NamedCommand {
  words: string[];
  entry: CatalogEntry;
  command: Command;
}

/** Every command that can be run, in the order of the help. */
export async function allCommands(): Promise<NamedCommand[]> {
  const entries = Object.entries(CATALOG).flatMap(([noun, entry]) => [
    { words: [noun], entry },
    ...Object.entries(entry.verbs ?? {}).map(([verb, one]) => ({ words: [noun, verb], entry: one })),
  ]);
  const commands: NamedCommand[] = [];
  for (const { words, entry } of entries) {
    if (entry.load !== undefined) commands.push({ words, entry, command: await entry.load() });
  }
  return commands;
}

/** The reference of all commands, one section each. */
export async function commandReference(): Promise<string> {
  return (await allCommands()).map(section).join("\n");
}

const AUDIENCES: Readonly<Record<Audience, string>> = {
  agent: "any task's agent in its own contract, and people",
  supervisor: "a contract's supervisor, and people",
  person: "people",
};

function section({ words, entry, command }: NamedCommand): string {
  const options = Object.values(command.options);
  const usage = ["makima", ...words, ...command.arguments.map(argumentUsage), "[options]"].join(" ");
  const who = entry.audience === undefined ? [] : [`For ${AUDIENCES[entry.audience]}.`, ""];
  return [
    `### \`makima ${words.join(" ")}\``,
    "",
    `${entry.summary}.`,
    "",
    ...(command.details === undefined ? [] : [escapePipes(command.details), ""]),
    ...who,
    `    ${usage}`,
    "",
    ...(command.arguments.length === 0 ? [] : [...table("argument", command.arguments.map(argumentRow)), ""]),
    ...table("option", [...options.map(optionRow), "| `--json` | Print JSON on stdout and nothing else |"]),
    "",
    ...command.examples.flatMap(([line, does]) => [`- \`${line}\`: ${does}`]),
    "",
  ].join("\n");
}

function argumentUsage({ name, required, variadic }: Command["arguments"][number]): string {
  const label = variadic === true ? `${name}...` : name;
  return required ? `<${label}>` : `[${label}]`;
}

function argumentRow(argument: Command["arguments"][number]): string {
  return `| \`${argumentUsage(argument)}\` | ${escapePipes(argument.description)} |`;
}

function optionRow({ flags, description }: OptionSpec<unknown>): string {
  return `| \`${escapePipes(flags)}\` | ${escapePipes(description)} |`;
}

function table(title: string, rows: string[]): string[] {
  return [`| ${title} | meaning |`, "|---|---|", ...rows];
}

function escapePipes(text: string): string {
  return text.replaceAll("|", "\\|");
}
