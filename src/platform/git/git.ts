import { MakimaError } from "../../core/errors.ts";
import { runCommand } from "../process/command.ts";

/**
 * Where git works; all paths absolute. With `gitDir` nothing is discovered from `cwd`: on a checkout that somebody else
 * has written to, pin `gitDir`, `commonDir` and `workTree`, or its `.git` could point anywhere.
 */
export interface GitLocation {
  cwd: string;
  gitDir?: string;
  commonDir?: string;
  workTree?: string;
  /** A private index in place of the checkout's own. */
  indexFile?: string;
  /**
   * The only directory that this git, and whatever it starts, may write to: the checkout of somebody who is not trusted.
   * `filter.*.clean`, `core.fsmonitor` and the like of such a checkout, or of a repository within it, are programs.
   */
  confinedTo?: string;
}

/**
 * The words to put before a program and its arguments so that it can do no harm outside of the checkout at `dir`. Rejects
 * with `sandbox_unavailable` where that cannot be had.
 */
export type Confine = (dir: string) => Promise<readonly string[]>;

export interface Identity {
  name: string;
  email: string;
}

export interface GitOptions {
  input?: string;
  /** Exit codes besides 0 that are answers, not failures. */
  accept?: readonly number[];
  timeoutMs?: number;
  /** Most bytes of output that are wanted: git is ended there. By default, printing too much is a failure. */
  maxBytes?: number;
  /** Ends git; its reason is thrown. */
  signal?: AbortSignal;
  /** Configuration for this call, such as `user.useConfigOnly=true`. */
  config?: readonly string[];
  /** Further environment variables, which the processes that git starts inherit. */
  variables?: Readonly<Record<string, string>>;
  /** Author and committer of what is made. */
  identity?: Identity;
  /** For `fetch`: the other end works confined. */
  source?: ConfinedSource;
}

/** A checkout that `fetch` takes from, and that is not trusted. */
export interface ConfinedSource {
  dir: string;
  /** File with the only commits whose parents may be missing there; one that does not exist: there are none. */
  shallowFile: string;
}

export interface GitResult {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
  /** Whether there was more than `maxBytes`. */
  truncated: boolean;
}

/**
 * Runs one git command; `args` starts with the subcommand. Throws `git_failed` with the command and git's own words when
 * git is missing, ends with another exit code than 0 or an accepted one, takes too long or prints too much.
 */
export type Git = (at: GitLocation, args: readonly string[], options?: GitOptions) => Promise<GitResult>;

/**
 * Makes the one function through which all git goes. Of `environment` it takes the person's PATH, HOME and the place of
 * their git configuration (for identity and filters such as LFS); nothing else reaches git. Without `confine`, git that is
 * to be confined is refused.
 */
export function createGit(
  environment: Readonly<Record<string, string | undefined>>,
  confine: Confine = refuseToConfine,
): Git {
  const base = { ...pick(environment, PERSONAL), ...FIXED_ENVIRONMENT };
  return async (at, args, options = {}) => {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes, signal, source } = options;
    const confinement = at.confinedTo === undefined ? [] : await confine(at.confinedTo);
    const words = source === undefined ? args : fetchingFrom(source, await confine(source.dir), args);
    const confined = at.confinedTo === undefined && source === undefined ? {} : CONFINED_ENVIRONMENT;
    const result = await runCommand([...confinement, ...commandLine(options.config), ...words], {
      cwd: at.cwd,
      env: {
        ...options.variables,
        ...base,
        ...confined,
        ...locationEnvironment(at),
        ...identityEnvironment(options.identity),
      },
      timeoutMs,
      maxOutputBytes: maxBytes ?? MAX_OUTPUT_BYTES,
      endWhenFull: maxBytes !== undefined,
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(signal === undefined ? {} : { signal }),
    });
    const command = `git ${args[0] ?? ""}`;
    if (result.notStarted !== null) throw notStarted(result.notStarted, command, at);
    if (result.timedOut) throw new MakimaError("git_failed", `${command} took longer than ${timeoutMs / 1000} s`);
    const stderr = result.stderr.toString("utf8");
    // A sandbox that does not start ends with exit code 1, which for git may be an answer.
    if (confined === CONFINED_ENVIRONMENT && /^bwrap: /m.test(stderr)) throw notConfined(command, stderr);
    if (result.truncated) {
      if (maxBytes !== undefined) return { exitCode: 0, stdout: result.stdout, stderr, truncated: true };
      throw new MakimaError("git_failed", `${command} printed more than makima takes in`);
    }
    if (result.exitCode === null || (result.exitCode !== 0 && !options.accept?.includes(result.exitCode))) {
      throw new MakimaError("git_failed", `${command} failed: ${firstComplaint(stderr, result.signal)}`);
    }
    return { exitCode: result.exitCode, stdout: result.stdout, stderr, truncated: false };
  };
}

/** What a command printed, as text without its last line break. */
export function textOf(result: GitResult): string {
  return result.stdout.toString("utf8").replace(/\n$/, "");
}

const PERSONAL = ["PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "TMPDIR"];

const FIXED_ENVIRONMENT = {
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_EDITOR: ":",
  // A mere look must not refresh, and so rewrite, the index of a checkout that is not ours.
  GIT_OPTIONAL_LOCKS: "0",
  GIT_LITERAL_PATHSPECS: "1",
  // The remote helpers `ext::` and `fd::` run commands or hang; this list outranks every configuration file.
  GIT_ALLOW_PROTOCOL: "file:git:http:https:ssh",
};

const FIXED_CONFIG = [
  // Programs that a repository could have git start.
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  // Background work would outlive the call that it belongs to.
  "gc.auto=0",
  "maintenance.auto=false",
  // A copied index must be whole, and no preference of a person may make plumbing refuse a file or enter a submodule.
  "core.splitIndex=false",
  "core.safecrlf=false",
  "submodule.recurse=false",
  "core.quotePath=false",
];

/** What is confined reads objects as they are, and only those that are there: not what their owner would have it see. */
const CONFINED_ENVIRONMENT = { GIT_NO_REPLACE_OBJECTS: "1", GIT_NO_LAZY_FETCH: "1" };

const DEFAULT_TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

async function refuseToConfine(): Promise<never> {
  throw new MakimaError("sandbox_unavailable", "git is to work in a sandboxed checkout, and has no sandbox here");
}

function commandLine(config: readonly string[] = []): string[] {
  return ["git", "--no-pager", ...[...FIXED_CONFIG, ...config].flatMap((setting) => ["-c", setting])];
}

/** git runs the command for the other end through a shell; nothing of this git's settings reaches that one. */
function fetchingFrom(
  { shallowFile }: ConfinedSource,
  confinement: readonly string[],
  [fetch = "", ...args]: readonly string[],
): string[] {
  const words = [...confinement, ...commandLine(), "--shallow-file", shallowFile, "upload-pack"];
  return [fetch, `--upload-pack=${words.map(shellQuoted).join(" ")}`, ...args];
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function pick(environment: Readonly<Record<string, string | undefined>>, names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function locationEnvironment(at: GitLocation): Record<string, string> {
  const variables = {
    GIT_DIR: at.gitDir,
    GIT_COMMON_DIR: at.commonDir,
    GIT_WORK_TREE: at.workTree,
    GIT_INDEX_FILE: at.indexFile,
  };
  return pick(variables, Object.keys(variables));
}

function identityEnvironment(identity: Identity | undefined): Record<string, string> {
  if (identity === undefined) return {};
  return {
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
  };
}

function notConfined(command: string, stderr: string): MakimaError {
  const complaint = stderr.split("\n").find((line) => line.startsWith("bwrap: "));
  return new MakimaError("sandbox_unavailable", `${command} could not be confined: ${complaint}`);
}

function notStarted(reason: string, command: string, { cwd, confinedTo }: GitLocation): MakimaError {
  if (reason === "no such command" && confinedTo !== undefined) {
    return new MakimaError("sandbox_unavailable", `${command} could not be confined: bubblewrap is gone`);
  }
  if (reason === "no such command") {
    return new MakimaError("git_failed", "git was not found", { hint: "Install git, or add its directory to PATH." });
  }
  const message =
    reason === "no such directory" ? `The directory ${cwd} is gone` : `${command} did not start: ${reason}`;
  return new MakimaError("git_failed", message);
}

function firstComplaint(stderr: string, signal: string | null): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const complaint = lines.find((line) => /^(fatal|error): /.test(line)) ?? lines[0];
  return complaint?.replace(/^(fatal|error): /, "") ?? (signal === null ? "no reason given" : `ended by ${signal}`);
}
