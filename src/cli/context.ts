import type { Output, OutputStream } from "./output.ts";

/** A stream of the process, as far as commands need it; a terminal can give every key at once. */
export type InputStream = NodeJS.ReadableStream & { setRawMode?: (raw: boolean) => unknown };

/** What the process gives to the command line; only main.ts takes it from `process`. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  cwd: string;
  stdin: InputStream;
  stdout: OutputStream;
  stderr: OutputStream;
  /** Calls `listener` at every signal of those kinds, instead of ending the process; the result undoes that. */
  onSignals(signals: readonly NodeJS.Signals[], listener: () => void): Disposable;
  /** Ends the process at once, whatever is still going on. */
  exit(code: number): never;
}

/** What a command works with. */
export interface Context extends Surroundings {
  output: Output;
  /** Texts stand for themselves: `-` and `@file` do not lead to stdin and files. */
  literal: boolean;
}
