import { errorBody, ERRORS, MakimaError } from "../core/errors.ts";
import { escapeForTerminal } from "../core/text.ts";
import { isErrno } from "../platform/files.ts";
import type { Output } from "./output.ts";

/** Shows whatever a command threw, and gives the exit code that stands for it. */
export function reportFailure(output: Output, thrown: unknown): number {
  const error = isFull(thrown) ? diskFull(thrown) : thrown;
  if (!(error instanceof MakimaError)) return reportDefect(output, error);
  if (output.json) output.error(JSON.stringify({ error: error.toBody() }));
  else output.error(`${messageLines(error.message)}\nhint: ${escapeForTerminal(error.hint)}`);
  return error.exitCode;
}

/** A full disk may stop any command anywhere, and is no defect. */
function isFull(error: unknown): error is NodeJS.ErrnoException {
  return isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT");
}

function diskFull(cause: NodeJS.ErrnoException): MakimaError {
  const where = cause.path === undefined ? "" : `: ${cause.path}`;
  const hint = "Make room on the disk that holds makima's directory, and on that of the repository.";
  return new MakimaError("unavailable", `The disk is full (${cause.code})${where}`, { hint, cause });
}

/** The stack is for the report of the defect: without it nobody could mend it. */
function reportDefect(output: Output, error: unknown): number {
  const body = errorBody(error);
  const what = error instanceof Error ? error.message : String(error);
  const stack = (error instanceof Error && error.stack) || what;
  const message = `${body.message}: ${what.split("\n", 1)[0]}`;
  if (output.json) output.error(JSON.stringify({ error: { ...body, message, stack } }));
  else
    output.error(`${messageLines(message)}\nhint: ${body.hint}\n${escapeForTerminal(stack, { keepNewlines: true })}`);
  return ERRORS.internal.exit;
}

/** Several lines only where several things are wrong, as in a configuration file. Messages may quote other programs. */
function messageLines(message: string): string {
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => `makima: ${escapeForTerminal(line)}`).join("\n");
}
