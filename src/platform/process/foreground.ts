import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, createReadStream, createWriteStream, fstatSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { MakimaError } from "../../core/errors.ts";
import { closeInheritedDescriptors } from "./descriptors.ts";
import { identify } from "./identity.ts";
import { SANDBOX_FILE, signalInside, tellingStatus } from "./sandboxed.ts";

export interface ForegroundOptions {
  /** bubblewrap and its arguments, see `prepareSandbox`. */
  sandbox: readonly string[];
  cwd: string;
  /** Directory of the program's own, out of its reach, for what makima has to know of it. */
  dir: string;
  /** The whole environment of the program: nothing is inherited. */
  env: Readonly<Record<string, string>>;
}

/** A sandboxed program that has this process's stdin, stdout, stderr and terminal. */
export interface ForegroundProgram {
  /** Its exit code, or 128 + n when signal n ended it, like a shell. */
  exited: Promise<number>;
  /** Ctrl-C, which does not get to it by itself: it is in a session of its own. False: there is nothing to interrupt yet. */
  interrupt(): boolean;
  kill(): void;
}

/** Throws `unavailable` when it cannot be started, `usage` when stdin is a directory. */
export async function startForeground(argv: readonly string[], options: ForegroundOptions): Promise<ForegroundProgram> {
  const input = await inputIn(options.dir);
  const status = openSync(join(options.dir, SANDBOX_FILE), "wx", 0o600);
  try {
    return await start(
      [...tellingStatus(options.sandbox, STATUS_FD), ...argv],
      [input, "inherit", "inherit", status],
      options,
    );
  } finally {
    closeSync(status);
    if (input !== 0) closeSync(input);
  }
}

/** The first after stdin, stdout and stderr. */
const STATUS_FD = 3;

/**
 * What is to be the program's stdin: a file is copied to one in `dir` that has no name any more. A program in a sandbox
 * could open it anew through /proc/self/fd, and write to what it was only to read; a directory would be a way out.
 */
async function inputIn(dir: string): Promise<number> {
  const stats = fstatSync(0);
  if (stats.isDirectory())
    throw new MakimaError("usage", "The input is a directory", { hint: "Redirect a file to it." });
  if (!stats.isFile()) return 0;
  const copy = join(dir, randomUUID());
  try {
    await pipeline(createReadStream("", { fd: 0, autoClose: false }), createWriteStream(copy, { mode: 0o600 }));
    return openSync(copy, "r");
  } finally {
    await rm(copy, { force: true });
  }
}

async function start(
  argv: readonly string[],
  stdio: (number | "inherit")[],
  { cwd, dir, env }: ForegroundOptions,
): Promise<ForegroundProgram> {
  const [program = "", ...args] = argv;
  closeInheritedDescriptors();
  // Out of the terminal's reach: Ctrl-C would end bubblewrap, and with it all that is inside.
  const child = spawn(program, args, { cwd, env: { ...env }, stdio, detached: true });
  const exited = exitOf(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => {
      reject(new MakimaError("unavailable", `Cannot start ${program}: ${cause.message}`, { cause }));
    });
  });
  const outer = identify(child.pid ?? 0);
  return {
    exited,
    interrupt: () => outer !== null && signalInside(dir, outer, "SIGINT"),
    kill: () => child.kill("SIGKILL"),
  };
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  });
}
