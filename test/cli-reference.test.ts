import { Option } from "commander";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allCommands } from "../scripts/reference/commands.ts";
import type { NamedCommand } from "../scripts/reference/commands.ts";
import { VARIABLES } from "../scripts/reference/environment.ts";
import { SECTIONS } from "../src/platform/config/schema.ts";

const ROOT = join(import.meta.dirname, "..");
const TEXT = readFileSync(join(ROOT, "docs/CLI.md"), "utf8");
const COMMANDS = await allCommands();

/** The part of the reference with this title, without its title. */
function part(title: string): string {
  const [, text = ""] = new RegExp(`\n## ${title}\n([^]*?)(?=\n## |$)`).exec(TEXT) ?? [];
  return text;
}

/** First cells of a part's tables, without their heads. */
function firstCells(text: string): string[] {
  const cells = text.match(/^\| `(?:[^`]+)` \|/gm) ?? [];
  return cells.map((cell) => cell.slice(3, -3).replaceAll("\\|", "|"));
}

test("every command has its section with all of its options, and no section is of anything else", () => {
  const sections = part("Commands").split(/^### /m).slice(1);
  const documented = sections.map((section) => [
    section.slice(0, section.indexOf("\n")),
    firstCells(section).filter((cell) => cell.startsWith("-")),
  ]);
  const expected = COMMANDS.map(({ words, command }) => [
    `\`makima ${words.join(" ")}\``,
    [...Object.values(command.options).map(({ flags }) => flags), "--json"],
  ]);
  assert.deepEqual(documented, expected);
});

test("every configuration key stands in the reference, and no other", () => {
  const sections = part("Configuration keys").split(/^### /m).slice(1);
  const documented = sections.map((section) => [/^\[(\w+(?:\.\w+)?)/.exec(section)?.[1], firstCells(section)]);
  assert.deepEqual(
    documented,
    Object.entries(SECTIONS).map(([section, keys]) => [section, Object.keys(keys)]),
  );
});

test("every environment variable stands in the reference, and no other", () => {
  assert.deepEqual(firstCells(part("Environment variables")), Object.keys(VARIABLES));
  // Node itself looks at NO_COLOR.
  const read = new Set(["NO_COLOR", ...sources("src").flatMap((text) => variablesIn(text))]);
  assert.deepEqual([...read].toSorted(), Object.keys(VARIABLES).toSorted());
});

test("every command line of the reference is one that makima understands", () => {
  const lines = TEXT.replaceAll("\\\n", " ").match(/(?<=^ {4}(?:[^`\n]*\s)?|`)makima [^`\n]*/gm) ?? [];
  assert.ok(lines.length > 100, `${lines.length} lines were found`);
  for (const line of lines) requireKnown(line);
});

function requireKnown(line: string): void {
  // What follows -- is another program's.
  const words = (line.split(" -- ")[0]?.match(/"[^"]*"|\S+/g) ?? []).slice(1);
  const named = commandOf(words);
  if (named === undefined)
    return assert.match(line, /^makima (COMMAND|ps|contract|supervisor)\b|^makima [a-z]+$/, line);
  const known = flagsOf(named);
  const given = words.filter((word) => /^--?[a-z]/.test(word));
  for (const flag of given) assert.ok(known.has(flag.replace(/[^a-z-].*$/i, "")), `${flag} in: ${line}`);
}

function commandOf(words: readonly string[]): NamedCommand | undefined {
  const ofLength = (length: number) =>
    COMMANDS.find((one) => one.words.length === length && one.words.every((word, index) => word === words[index]));
  return ofLength(2) ?? ofLength(1);
}

function flagsOf({ command }: NamedCommand): Set<string> {
  const options = Object.values(command.options).map(({ flags }) => new Option(flags));
  return new Set([...options.flatMap(({ short, long }) => [short ?? "", long ?? ""]), "--json", "--help"]);
}

/** The sources below a directory, without their tests. */
function sources(directory: string): string[] {
  const files = readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" });
  const own = files.filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !/testing|fixtures/.test(file),
  );
  return own.map((file) => readFileSync(join(ROOT, directory, file), "utf8"));
}

/** Names of variables that a source reads from, or gives to, an environment. */
function variablesIn(text: string): string[] {
  const code = text.replaceAll(/^\s*(\/\/|\*|\/\*\*).*$/gm, "");
  const read = code.matchAll(/\benv(?:ironment)?(?:\.|\[")((?:MAKIMA|XDG|NO)_[A-Z_]+|HOME|PATH)\b/g);
  const named = code.matchAll(/["\s](MAKIMA_(?:API|TASK|CONTRACT|RUN|PORT)_?[A-Z]*|XDG_[A-Z_]+HOME)(?=["\s]*[,:)\]])/g);
  return [...read, ...named].map(([, name = ""]) => name);
}
