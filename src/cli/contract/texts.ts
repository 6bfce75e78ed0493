import { MakimaError } from "../../core/errors.ts";
import type { ArgumentSpec } from "../command.ts";
import type { TextKind } from "../read-text.ts";

/** What is written down in a contract. */

export const CONTENT: TextKind = {
  name: "content",
  max: 1_000_000,
  code: "usage",
  tooLong: "Divide it into several files.",
  exact: true,
};

export const REPORT: TextKind = {
  name: "report",
  max: 10_000,
  code: "usage",
  tooLong: "Say what matters, and put the details into a file: `makima contract create-file`.",
};

export const FILE_ARGUMENT: ArgumentSpec = {
  name: "name",
  description: "Name of the file in the contract",
  required: true,
};

export const CONTENT_ARGUMENT: ArgumentSpec = {
  name: "content",
  description: "What stands in it, in Markdown; - reads stdin, @file a file",
  required: true,
};

/** Throws `usage` for what looks like a path: files of a contract have no directories. */
export function fileName(given: string | undefined): string {
  const name = given?.trim() ?? "";
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name)) return name;
  throw new MakimaError("usage", `${JSON.stringify(name)} is no name of a contract's file`, {
    hint: "Small letters, digits, dots, dashes and underscores, and no slash: such as plan or api-notes.md.",
  });
}
