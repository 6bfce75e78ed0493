import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { exists, isErrno } from "../files.ts";

/** Between asking a command to end and killing it: git removes its lock files in that time. */
const GRACE_MS = 2000;
/** How long after its end a command's output is awaited; then what it started and still holds the pipes is ended too. */
const LINGER_MS = 500;

/** Looks at the pipes after that, as long as they bring something: what left the group may write for ever. */
const MOST_LOOKS = 100;

export interface CommandOptions {
  cwd: string;
  /** The whole environment of the command: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  /** What it reads on stdin; nothing by default. */
  input?: string | Uint8Array;
  timeoutMs: number;
  /** How much of each of stdout and stderr is kept, from the start; the rest is read and dropped. */
  maxOutputBytes: number;
  /** Ends the command once it has printed more than that: nobody wants the rest. */
  endWhenFull?: boolean;
  signal?: AbortSignal;
}

export interface CommandResult {
  /** Null when it was ended by a signal, or never started. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: Buffer;
  timedOut: boolean;
  /** Whether stdout or stderr went past `maxOutputBytes`. */
  truncated: boolean;
  /** Why it could not be started; null when it was. */
  notStarted: "no such command" | "no such directory" | (string & {}) | null;
}

/**
 * Runs a short-lived helper program, without a shell, to its end. What becomes of it is in the result; the only thing
 * thrown is the reason of an aborted `signal`, after the command has ended.
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const [program = "", ...args] = argv;
  const { cwd, env } = options;
  let child: ChildProcess;
  try {
    // A group of its own, so that what it starts can be ended with it; and no terminal, so that nothing asks questions.
    child = spawn(program, args, { cwd, env: { ...env }, detached: true, stdio: "pipe" });
  } catch (error) {
    return neverStarted(error instanceof Error ? error.message : String(error));
  }
  const end = endOf(child);
  using limit = limitTime(child, options);
  const full = options.endWhenFull === true ? limit.end : () => {};
  const stdout = collect(child.stdout, options.maxOutputBytes, full);
  const stderr = collect(child.stderr, options.maxOutputBytes, full);
  // A command need not read its input.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input);
  const failure = await end;
  options.signal?.throwIfAborted();
  if (failure !== null) return neverStarted(await reasonOf(failure, cwd));
  return {
    exitCode: child.exitCode,
    signal: child.signalCode,
    stdout: stdout.bytes(),
    stderr: stderr.bytes(),
    timedOut: limit.timedOut,
    truncated: stdout.truncated || stderr.truncated,
    notStarted: null,
  };
}

/** Resolves at the end of the command and of its output: with null, or with why there was nothing to wait for. */
async function endOf(child: ChildProcess): Promise<Error | null> {
  let linger: NodeJS.Timeout | undefined;
  const failure = await new Promise<Error | null>((resolve) => {
    child.once("error", resolve);
    child.once("close", () => resolve(null));
    child.once("exit", () => {
      linger = setTimeout(() => {
        killGroup(child, "SIGKILL");
        void quiet(child).then(() => resolve(null));
      }, LINGER_MS);
    });
  });
  clearTimeout(linger);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return failure;
}

/**
 * Resolves when the pipes hold nothing more to read. A busy process may come to its timers before it has looked at its
 * pipes even once since the command's end, so the time that has gone by says nothing of what is in them.
 */
async function quiet(child: ChildProcess): Promise<void> {
  let read = -1;
  for (let looks = 0; looks < MOST_LOOKS && read < bytesRead(child); looks += 1) {
    read = bytesRead(child);
    // Between two of these the event loop has looked at every pipe.
    await setImmediate();
    await setImmediate();
  }
}

function bytesRead({ stdout, stderr }: ChildProcess): number {
  return [stdout, stderr].reduce((sum, pipe) => sum + (pipe instanceof Socket ? pipe.bytesRead : 0), 0);
}

interface Collected {
  bytes(): Buffer;
  readonly truncated: boolean;
}

/** Keeps the first `limit` bytes; `full` is called once there are more. */
function collect(stream: Readable | null, limit: number, full: () => void): Collected {
  const chunks: Buffer[] = [];
  let room = limit;
  let truncated = false;
  stream?.on("data", (chunk: Buffer) => {
    if (!truncated && chunk.length > room) {
      truncated = true;
      full();
    }
    const kept = chunk.subarray(0, room);
    room -= kept.length;
    if (kept.length > 0) chunks.push(kept);
  });
  // A pipe that breaks has no more to say; how the command ended is told by its exit.
  stream?.on("error", () => {});
  return {
    bytes: () => Buffer.concat(chunks),
    get truncated() {
      return truncated;
    },
  };
}

/** Ends the command's group when its time is over, `signal` aborts or `end` is called: first politely, then for good. */
function limitTime(
  child: ChildProcess,
  { timeoutMs, signal }: CommandOptions,
): Disposable & { readonly timedOut: boolean; end: () => void } {
  let timedOut = false;
  let killer: NodeJS.Timeout | undefined;
  const end = () => {
    killGroup(child, "SIGTERM");
    killer ??= setTimeout(killGroup, GRACE_MS, child, "SIGKILL");
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  signal?.addEventListener("abort", end);
  return {
    get timedOut() {
      return timedOut;
    },
    end,
    [Symbol.dispose]() {
      clearTimeout(timer);
      clearTimeout(killer);
      signal?.removeEventListener("abort", end);
      // What it started must not outlast the time that it was given.
      if (killer !== undefined) killGroup(child, "SIGKILL");
    },
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

function neverStarted(reason: string): CommandResult {
  const nothing = Buffer.alloc(0);
  const outcome = { exitCode: null, signal: null, stdout: nothing, stderr: nothing };
  return { ...outcome, timedOut: false, truncated: false, notStarted: reason };
}

/** The system has one error for a missing program and for a missing directory. */
async function reasonOf(failure: Error, cwd: string): Promise<string> {
  if (!isErrno(failure, "ENOENT")) return failure.message;
  return (await exists(cwd)) ? "no such command" : "no such directory";
}
