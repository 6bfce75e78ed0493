/**
 * Writes the generated parts of the documentation: `npm run docs`. With `--check` it writes nothing and fails when a file
 * is not what would be written.
 */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ERRORS } from "../src/core/errors.ts";
import { CONTRACT, NOTIFICATION, QUESTION, RUN, TASK } from "../src/core/task-state.ts";
import type { Machine } from "../src/core/task-state.ts";
import { openApiDocument } from "../src/protocol/openapi.ts";
import { commandReference } from "./reference/commands.ts";
import { configurationReference } from "./reference/configuration.ts";
import { environmentReference } from "./reference/environment.ts";
import { exitCodeReference } from "./reference/exit-codes.ts";

const ROOT = dirname(import.meta.dirname);
const GENERATED = /(<!-- generated: begin .*-->\n)[^]*(<!-- generated: end -->)/;

/** File -> text between its two marks. */
const PARTS: Record<string, () => string | Promise<string>> = {
  "docs/CLI.md": commandLineReference,
  "docs/configuration.md": () => configurationReference("##"),
  "docs/errors.md": errorReference,
  "docs/architecture.md": stateDiagrams,
};

/** File -> all that is in it. */
const WHOLE: Record<string, () => string> = {
  "docs/openapi.json": () => `${JSON.stringify(openApiDocument(), null, 2)}\n`,
};

const stale: string[] = [];
for (const file of [...Object.keys(PARTS), ...Object.keys(WHOLE)]) {
  const path = join(ROOT, file);
  const current = await readFile(path, "utf8").catch(() => "");
  const fresh = WHOLE[file]?.() ?? (await withPart(file, current));
  if (fresh === current) continue;
  if (process.argv.includes("--check")) stale.push(file);
  else await writeFile(path, fresh);
}
if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(", ")}. Run: npm run docs`);
  process.exitCode = 1;
}

async function withPart(file: string, current: string): Promise<string> {
  if (!GENERATED.test(current)) throw new Error(`${file} has lost its marks of the generated part`);
  const part = (await PARTS[file]?.()) ?? "";
  return current.replace(GENERATED, (_, begin: string, end: string) => `${begin}\n${part}\n${end}`);
}

async function commandLineReference(): Promise<string> {
  const sections = {
    Commands: await commandReference(),
    "Configuration keys": configurationReference("###"),
    "Environment variables": environmentReference(),
    "Exit codes": exitCodeReference(),
  };
  return Object.entries(sections)
    .map(([title, text]) => `## ${title}\n\n${text}`)
    .join("\n");
}

function errorReference(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, exit, hint }]) => `| \`${code}\` | ${status} | ${exit} | ${hint} |`,
  );
  return ["| code | HTTP status | exit code | hint |", "|---|---|---|---|", ...rows, ""].join("\n");
}

function stateDiagrams(): string {
  const machines = { Contract: CONTRACT, Task: TASK, Run: RUN, Question: QUESTION, Notification: NOTIFICATION };
  return Object.entries(machines)
    .map(([name, machine]) => `### ${name}\n\n\`\`\`mermaid\n${diagram(machine)}\n\`\`\`\n`)
    .join("\n");
}

/** One arrow for each pair of states, with every event that leads along it. */
function diagram({ initial, transitions }: Machine<string, string>): string {
  const arrows = Object.entries(transitions).flatMap(([from, events]) =>
    [...Map.groupBy(Object.entries(events), ([, to]) => to)].map(
      ([to, group]) => `  ${from} --> ${to}: ${group.map(([event]) => event).join(", ")}`,
    ),
  );
  const ends = Object.entries(transitions).filter(([, events]) => Object.keys(events).length === 0);
  return ["stateDiagram-v2", `  [*] --> ${initial}`, ...arrows, ...ends.map(([state]) => `  ${state} --> [*]`)].join(
    "\n",
  );
}
