import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, unlinkSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MakimaError } from "../../core/errors.ts";
import { ensurePrivateDir } from "../files.ts";
import { watchDirectory } from "../watch.ts";
import { closeInheritedDescriptors } from "./descriptors.ts";
import { isSameProcess, signalProcess } from "./identity.ts";
import { type Exit, type ProcessRecord, abandon, readExit, readRecord, reclaim } from "./record.ts";
import { sandboxFailed, signalInside, tellingStatus } from "./sandboxed.ts";
import { SANDBOX_FD, SHIM, environmentScript } from "./shim.ts";

export type { Exit } from "./record.ts";

/** Net for lost file notices, and the only way to see that a process has ended whose shim was killed. */
const POLL_MS = 1000;
/** A shim writes its record in the moment after it made the file: after this long it was killed in between. */
const STALLED_MS = 1000;
/** How long the writers may lag behind the end of a process that has left nothing behind. */
const LAG_MS = 2000;
/** What `ulimit -f` counts in. */
const BLOCK = 512;

export interface LaunchOptions {
  /** The program (looked up in the PATH of `env`) and its arguments. One that does not exist exits with 127, as in sh. */
  argv: readonly string[];
  cwd: string;
  /** The whole environment of the process: nothing is inherited. No argument list or named file shows it. */
  env: Readonly<Record<string, string>>;
  /** File to read as stdin; null for none. */
  stdinFile: string | null;
  /** Gets `out`, `err`, `pid`, `exit`, `drained`, `sandbox`; made if need be. One directory holds one process ever. */
  dir: string;
  /** What makes the process's sandbox (see prepareSandbox), in which nothing of it survives its end; null for none. */
  sandbox: readonly string[] | null;
  /** Cap of each of `out` and `err`, rounded down to 512 bytes; what comes after is dropped. */
  maxOutputBytes?: number;
}

/**
 * Starts a process that outlives this one, in a session of its own. Resolves when it is known who it is, so that it can
 * be found again by `attach`. Throws when it could not be started, or something was started in `dir` before.
 */
export async function launch(options: LaunchOptions): Promise<DetachedProcess> {
  const { dir } = options;
  await ensurePrivateDir(dir);
  reclaim(dir);
  if (existsSync(join(dir, "pid"))) throw new Error(`A process was already started in ${dir}`);
  const record = await recordOf(dir, endOf(spawnShim(options)));
  if (record === null) throw new Error(`The shim ended without having started a process in ${dir}`);
  return new DetachedProcess(dir, record);
}

/**
 * Finds the process of a directory again, running or ended (its `exited` tells). Null: none was ever started there, nor
 * will be by a launch that was cut short; only a new `launch` does.
 */
export async function attach(dir: string): Promise<DetachedProcess | null> {
  if (readRecord(dir) === null && abandon(dir)) return null;
  const record = await recordOf(dir, delay(STALLED_MS, undefined, { ref: false }));
  return record === null ? null : new DetachedProcess(dir, record);
}

/** One process, followed through the files of its directory. Disposing it lets go of the process and touches nothing. */
export class DetachedProcess implements AsyncDisposable {
  readonly dir: string;
  readonly pid: number;
  /**
   * How it ended, told within milliseconds, whoever still holds its stdout. Rejects when disposed before, and with
   * `sandbox_unavailable` when its sandbox could not be made.
   */
  readonly exited: Promise<Exit>;
  readonly #record: ProcessRecord;
  readonly #exit = Promise.withResolvers<Exit>();
  readonly #drained = Promise.withResolvers<true>();
  readonly #watch: Disposable;
  #ended = false;
  #stopping: Promise<Exit> | null = null;

  constructor(dir: string, record: ProcessRecord) {
    this.dir = dir;
    this.pid = record.process.pid;
    this.#record = record;
    this.exited = ignoreRejection(this.#exit.promise);
    this.#watch = watchDirectory(dir, POLL_MS, (name) => {
      if (name === null || name === "exit" || name === "drained") this.#look();
    });
    this.#look();
  }

  /** Waits until all output is in `out` and `err`; false after `timeoutMs`, when something still holds a pipe open. */
  async drained(timeoutMs: number): Promise<boolean> {
    return (await within(timeoutMs, this.#drained.promise)) ?? false;
  }

  /** Sends a signal to the process and everything in its group; does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void {
    const { process } = this.#record;
    if (signalInside(this.dir, process, signal) && signal !== "SIGKILL") return;
    // Between its record and its session it leads no group yet, and has no children either.
    if (!signalProcess(process, signal, { group: true })) signalProcess(process, signal);
  }

  /**
   * Asks, asks firmly, then kills. Rejects when disposed before the end. Processes that left the group are not reached: see
   * killByEnvironment.
   */
  stop({ interruptMs = 7500, terminateMs = 2500 } = {}): Promise<Exit> {
    this.#stopping ??= ignoreRejection(
      this.#stop([
        ["SIGINT", interruptMs],
        ["SIGTERM", terminateMs],
      ]),
    );
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    this.#exit.reject(new DOMException(`Detached from process ${this.pid}`, "AbortError"));
  }

  async #stop(requests: ReadonlyArray<readonly [NodeJS.Signals, number]>): Promise<Exit> {
    for (const [signal, patienceMs] of requests) {
      this.signal(signal);
      const exit = await within(patienceMs, this.exited);
      if (exit !== null) return exit;
    }
    this.signal("SIGKILL");
    return this.exited;
  }

  #look(): void {
    if (!this.#ended) {
      const exit = readExit(this.dir) ?? this.#lost();
      if (exit === null) return;
      this.#ended = true;
      if (sandboxFailed(this.dir, exit)) void this.#rejectWithCause();
      else this.#exit.resolve(exit);
    }
    if (!existsSync(join(this.dir, "drained"))) return;
    this.#watch[Symbol.dispose]();
    this.#drained.resolve(true);
  }

  /** The cause is the last that was printed, and may still be on its way to the file. */
  async #rejectWithCause(): Promise<void> {
    await this.drained(LAG_MS);
    const printed = await readFile(join(this.dir, "err"), "utf8").catch(() => "");
    const cause = printed.trim().split("\n").at(-1);
    this.#exit.reject(new MakimaError("sandbox_unavailable", `The sandbox could not be made: ${cause}`));
  }

  /** Nobody is left who could write `exit`; it is read last, since the shim may have written it just before it ended. */
  #lost(): Exit | null {
    if (isSameProcess(this.#record.shim) || isSameProcess(this.#record.process)) return null;
    return readExit(this.dir) ?? { kind: "lost" };
  }
}

/** Whoever lets go of a process need not have waited for its end. */
function ignoreRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function spawnShim({ argv, cwd, env, stdinFile, dir, maxOutputBytes, sandbox }: LaunchOptions): ChildProcess {
  const command = sandbox === null ? argv : [...tellingStatus(sandbox, SANDBOX_FD), ...argv];
  const blocks = maxOutputBytes === undefined ? "" : String(Math.floor(maxOutputBytes / BLOCK));
  closeInheritedDescriptors();
  const environment = namelessFile(dir, environmentScript(env));
  try {
    const settings = [dir, stdinFile ?? "/dev/null", blocks, sandbox === null ? "" : "yes"];
    const shim = spawn("/bin/sh", ["-c", SHIM, "sh", ...settings, ...command], {
      cwd,
      // The shim carries nothing of the process's environment, so killByEnvironment lets it write down what happened.
      env: { PATH: toolPath(env["PATH"]) },
      detached: true,
      stdio: [environment, "ignore", "ignore"],
    });
    shim.unref();
    return shim;
  } finally {
    closeSync(environment);
  }
}

/** Where the shim finds its tools: the system's first, and never in the working directory, which is not to be trusted. */
function toolPath(path = ""): string {
  return ["/usr/bin", "/bin", ...path.split(":").filter(isAbsolute)].join(":");
}

/** A descriptor of a file without a name, at its start: secrets that no argument list and no directory shows. */
function namelessFile(dir: string, content: string): number {
  const path = join(dir, "environment");
  const file = openSync(path, "w+", 0o600);
  unlinkSync(path);
  writeSync(file, content, 0);
  return file;
}

/** Resolves when the shim has ended; rejects when it could not be started at all. */
function endOf(shim: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => shim.once("error", reject).once("exit", () => resolve()));
}

/** Waits for a shim to record its process; null when it has not by the time that `gaveUp` resolves. */
async function recordOf(dir: string, gaveUp: Promise<void>): Promise<ProcessRecord | null> {
  const recorded = Promise.withResolvers<void>();
  const look = () => {
    if (readRecord(dir) !== null) recorded.resolve();
  };
  using _watch = watchDirectory(dir, POLL_MS, look);
  look();
  await Promise.race([recorded.promise, gaveUp]);
  return readRecord(dir);
}

/** The value, or null when it has not come within `ms`. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  const timeout = Promise.withResolvers<null>();
  const timer = setTimeout(timeout.resolve, ms, null);
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
