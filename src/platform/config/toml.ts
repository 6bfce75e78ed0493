import { parse, TomlError, type TomlTable } from "smol-toml";
import { MakimaError } from "../../core/errors.ts";

export interface TomlDocument {
  data: TomlTable;
  /** Line, from 1, of the statement that sets the key at `path` or the nearest table around it. */
  lineOf: (path: readonly PropertyKey[]) => number;
}

/** Parses `text`; a syntax error throws `config_invalid` with the name of the file and the line. */
export function parseToml(text: string, fileName: string): TomlDocument {
  let lines: Map<string, number> | undefined;
  return {
    data: parseWhole(text, fileName),
    lineOf(path) {
      lines ??= keyLines(text);
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(pathKey(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function parseWhole(text: string, fileName: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [summary = ""] = error.message.replace("Invalid TOML document: ", "").split("\n");
    throw new MakimaError("config_invalid", `${fileName}:${error.line}: ${summary}`, { cause: error });
  }
}

/**
 * The parser does not tell where a key stands. But in a valid document every statement (a header, or key = value over
 * one or more lines) is a valid document too, and no shorter piece of it is: so the text is cut at each piece that parses.
 */
function keyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let table: PropertyKey[] = [];
  let statement = "";
  let start = 1;
  text.split(/\r?\n/).forEach((line, index) => {
    statement += `${line}\n`;
    const data = parsePiece(statement);
    if (data === null) return;
    const paths = keyPaths(data);
    if (/^\s*\[/.test(statement)) table = headerPath(paths, lines, /^\s*\[\[/.test(statement));
    else for (const path of paths) setOnce(lines, [...table, ...path], start);
    if (table.length > 0) setOnce(lines, table, start);
    statement = "";
    start = index + 2;
  });
  return lines;
}

/** The table that a header opens; each `[[checks]]` is the next element: ["checks", 0], ["checks", 1]. */
function headerPath(paths: readonly string[][], lines: ReadonlyMap<string, number>, isArray: boolean): PropertyKey[] {
  const path = paths.at(-1) ?? [];
  if (!isArray) return path;
  let index = 0;
  while (lines.has(pathKey([...path, index]))) index++;
  return [...path, index];
}

function parsePiece(text: string): TomlTable | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** Every key in a piece, outer before inner; the elements of arrays are left out, for they have no names. */
function keyPaths(data: Record<string, unknown>): string[][] {
  return Object.entries(data).flatMap(([key, value]) => [
    [key],
    ...keyPaths(tableOf(value)).map((path) => [key, ...path]),
  ]);
}

/** The table that `value` is; an empty one when it is anything else. */
export function tableOf(value: unknown): Record<string, unknown> {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return isTable ? (value as Record<string, unknown>) : {};
}

/** The table at `path` in a table of tables; an empty one where there is none. */
export function tableAt(data: unknown, path: readonly string[]): Record<string, unknown> {
  return path.reduce((table, name) => tableOf(table[name]), tableOf(data));
}

function setOnce(lines: Map<string, number>, path: readonly PropertyKey[], line: number): void {
  const key = pathKey(path);
  if (!lines.has(key)) lines.set(key, line);
}

function pathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String));
}
