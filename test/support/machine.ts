import { spawn } from "node:child_process";
import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { commandLine } from "./command-line.ts";

/** Environment variable with which a test run tells its files where it has put the command line as it is published. */
export const BUNDLE_OF_RUN = "TEST_BUNDLE";

const bundle = process.env[BUNDLE_OF_RUN];

/** The command line, from the sources where there is no bundle. */
export const cli =
  bundle === undefined ? fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)) : join(bundle, "makima.js");

/** Hundreds of commands would else read and compile the same again. */
export const compileCache =
  bundle === undefined
    ? fileURLToPath(new URL("../../node_modules/.cache/compile", import.meta.url))
    : join(bundle, "compiled");

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A person's machine: a home directory, makima's data and configuration in it, and the command line. */
export interface Machine extends AsyncDisposable {
  /** Everything of this machine lies below it; resolved, no symbolic links. */
  root: string;
  home: string;
  makimaHome: string;
  environment: Record<string, string>;
  configure(toml: string): Promise<void>;
  makima(args: string[], options?: CommandOptions & { input?: string }): Promise<Outcome>;
  /** Starts a command and leaves it running; the caller waits for it. */
  start(args: string[], options?: CommandOptions): ChildProcessWithoutNullStreams;
  /** What the API of the machine's server answers; null when there is no server, or none that answers. */
  get(path: string): Promise<unknown>;
  /** Ids of live processes that belong to this machine. */
  processes(): Promise<number[]>;
}

interface CommandOptions {
  cwd?: string;
  /** Set for this command besides the machine's environment. */
  env?: Record<string, string>;
}

export async function makeMachine(): Promise<Machine> {
  const top = await mkdtemp(join(tmpdir(), "makima-test-"));
  const environment = {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
    HOME: top,
    LANG: "C.UTF-8",
    MAKIMA_HOME: join(top, "data"),
    MAKIMA_CONFIG: join(top, "config.toml"),
    GIT_CONFIG_GLOBAL: join(top, ".gitconfig"),
    NODE_COMPILE_CACHE: compileCache,
  };
  await writeFile(join(top, ".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.com\n");
  await writeFile(environment.MAKIMA_CONFIG, "");
  const started: ChildProcess[] = [];
  const machine: Machine = {
    root: top,
    home: top,
    makimaHome: environment.MAKIMA_HOME,
    environment,
    configure: (toml) => writeFile(environment.MAKIMA_CONFIG, toml),
    makima: async (args, options = {}) => {
      const child = machine.start(args, options);
      child.stdin.on("error", () => undefined);
      child.stdin.end(options.input ?? "");
      return outcomeOf(child);
    },
    start: (args, options = {}) => {
      const child = spawn(process.execPath, [cli, ...args], {
        cwd: options.cwd ?? top,
        env: { ...environment, ...options.env },
        timeout: COMMAND_TIMEOUT,
        killSignal: "SIGKILL",
      });
      started.push(child);
      return child;
    },
    get: (path) => ask(environment.MAKIMA_HOME, path).catch(() => null),
    processes: () => processesNaming(top),
    [Symbol.asyncDispose]: () => tearDown(machine, started),
  };
  return machine;
}

/** A command that hangs fails its test and not the whole suite (ms). */
const COMMAND_TIMEOUT = 120_000;

/** What a command that was started comes to. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code, stdout, stderr };
}

/** Costs far less than a command, for what is polled. */
async function ask(makimaHome: string, path: string): Promise<unknown> {
  const { url } = JSON.parse(await readFile(join(makimaHome, "server.json"), "utf8")) as { url: string };
  const key = (await readFile(join(makimaHome, "user.key"), "utf8")).trim();
  const response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${key}` } });
  return response.ok ? response.json() : null;
}

/**
 * Stops the machine's tasks and server, and the commands that the test has left running; fails when anything else
 * outlives that.
 */
async function tearDown(machine: Machine, started: ChildProcess[]): Promise<void> {
  const down = await commandLine(["down", "--stop-tasks"], { env: machine.environment });
  for (const child of started) child.kill("SIGKILL");
  const left = await survivors(machine);
  const lines = await Promise.all(left.map(async (pid) => `${pid} ${await commandOf(pid)}`));
  for (const pid of left) kill(pid);
  await rm(machine.root, { recursive: true, force: true, maxRetries: 5 });
  if (down.code !== 0) throw new Error(`makima down exited ${down.code}: ${down.stderr}`);
  if (left.length > 0) throw new Error(`processes outlived makima down: ${lines.join(", ")}`);
}

/** What is left after the moment that a process takes to exit when its work is done. */
async function survivors(machine: Machine): Promise<number[]> {
  const deadline = performance.now() + EXIT_GRACE;
  for (;;) {
    const left = await machine.processes();
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(20);
  }
}

/** For a machine under load (ms), where a process that ends may have to write all that it has compiled to the cache. */
const EXIT_GRACE = 15_000;

async function commandOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return line.replaceAll("\0", " ").slice(0, 300);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in this moment.
  }
}

/** Live processes whose environment or command line names `path`. */
async function processesNaming(path: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(entry) || Number(entry) === process.pid) continue;
    const [environ, cmdline] = await Promise.all([
      readFile(`/proc/${entry}/environ`, "utf8").catch(() => ""),
      readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => ""),
    ]);
    if (environ.includes(path) || cmdline.includes(path)) found.push(Number(entry));
  }
  return found;
}
