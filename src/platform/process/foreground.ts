import { spawn } from "node:child_process";
import { constants } from "node:os";
import { MakimaError } from "../../core/errors.ts";
import { closeInheritedDescriptors } from "./descriptors.ts";

export interface ForegroundOptions {
  cwd: string;
  /** The whole environment of the program: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  /** Kills it. */
  signal: AbortSignal;
}

/**
 * Runs a program that has this process's stdin, stdout, stderr and terminal, to its end. Gives its exit code, or 128 + n
 * when signal n ended it, like a shell. Throws `unavailable` when it cannot be started.
 */
export function runForeground(argv: readonly string[], { cwd, env, signal }: ForegroundOptions): Promise<number> {
  const [program = "", ...args] = argv;
  closeInheritedDescriptors();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...env }, stdio: "inherit" });
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    child.once("error", (cause) => {
      reject(new MakimaError("unavailable", `Cannot start ${program}: ${cause.message}`, { cause }));
    });
    child.once("exit", (code, name) => {
      signal.removeEventListener("abort", kill);
      resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
    });
    // It may have been asked for while the program was started.
    if (signal.aborted) kill();
  });
}
