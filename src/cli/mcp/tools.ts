import { CONTRACT } from "../catalog/contract.ts";
import type { Audience, CatalogEntry } from "../catalog/entry.ts";
import { SUPERVISOR } from "../catalog/supervisor.ts";
import { CONNECTION_OPTIONS } from "../command.ts";
import type { Command, OptionSpec, ValueSchema } from "../command.ts";

/** A command as MCP offers it. */
export interface Tool {
  /** `supervisor_read_file` */
  name: string;
  description: string;
  inputSchema: {
    type: "object";
    properties: Record<string, PropertySchema>;
    required: string[];
    additionalProperties: false;
  };
  command: Command;
}

type PropertySchema = ValueSchema & { description: string };

/** Whose key the tools work with. */
export type KeyKind = "user" | "daemon" | "task" | "supervisor";

/** The nouns whose commands are tools: what there is to do in a contract. */
const NOUNS = { contract: CONTRACT, supervisor: SUPERVISOR } as const;

/** The tools that a key of this kind can use, in the order of the catalog. */
export async function toolsFor(kind: KeyKind): Promise<Tool[]> {
  const entries = Object.entries(NOUNS).flatMap(([noun, verbs]) =>
    Object.entries(verbs).map(([verb, entry]) => ({ words: [noun, verb], entry })),
  );
  const offered = entries.filter(
    ({ entry }) => entry.audience !== undefined && AUDIENCES[kind].includes(entry.audience),
  );
  const tools = await Promise.all(offered.map(({ words, entry }) => toTool(words, entry)));
  return tools.flat();
}

/** Options by which a command reaches its server; a tool works with the one that its process was given. */
const CONNECTION: readonly OptionSpec<unknown>[] = Object.values(CONNECTION_OPTIONS);

/** The options of a command that a tool has, by their keys. */
export function toolOptions(command: Command): [key: string, option: OptionSpec<unknown>][] {
  return Object.entries(command.options).filter(
    ([, option]) => !CONNECTION.includes(option) && option.watches !== true,
  );
}

const AUDIENCES: Readonly<Record<KeyKind, readonly Audience[]>> = {
  user: ["agent", "supervisor", "person"],
  supervisor: ["agent", "supervisor"],
  task: ["agent"],
  daemon: [],
};

async function toTool(words: readonly string[], { summary, load }: CatalogEntry): Promise<Tool[]> {
  const command = await load?.();
  if (command === undefined) return [];
  const texts = [`${summary}.`, command.details ?? "", `As a command: makima ${words.join(" ")}`];
  const required = command.arguments.filter((argument) => argument.required).map(({ name }) => name);
  return [
    {
      name: words.join("_").replaceAll("-", "_"),
      description: texts.filter((text) => text !== "").join(" "),
      inputSchema: { type: "object", properties: propertiesOf(command), required, additionalProperties: false },
      command,
    },
  ];
}

function propertiesOf(command: Command): Record<string, PropertySchema> {
  const positional = command.arguments.map(({ name, description, variadic }): [string, PropertySchema] => [
    name,
    variadic === true ? { type: "array", items: { type: "string" }, description } : { type: "string", description },
  ]);
  const options = toolOptions(command).map(([key, { schema, description }]): [string, PropertySchema] => [
    key,
    { ...schema, description },
  ]);
  return Object.fromEntries([...positional, ...options]);
}
