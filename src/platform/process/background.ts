import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { MakimaError } from "../../core/errors.ts";

export interface BackgroundOptions {
  cwd: string;
  /** The whole environment of the new process: nothing is inherited. */
  env: Record<string, string | undefined>;
  /** File that gets its stdout and stderr, appended; created with mode 0600 in an existing directory. */
  logFile: string;
}

/**
 * Starts `argv` in a session of its own and returns its pid: it outlives this process, its terminal and its signals.
 * Throws `unavailable` when the program cannot be started.
 */
export function spawnBackground(argv: readonly string[], { cwd, env, logFile }: BackgroundOptions): number {
  const [program = "", ...args] = argv;
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", log, log] });
    // A failed start is seen by the missing pid, below; the event that follows it must not end this process.
    child.on("error", () => {});
    child.unref();
    if (child.pid === undefined) throw new MakimaError("unavailable", `Cannot start ${program} in ${cwd}`);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** The argument list that runs this same program again: interpreter, its options, script. */
export function selfCommand(): string[] {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)];
}
