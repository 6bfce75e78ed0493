import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { MakimaError } from "../core/errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { AgentConfig, BubblewrapConfig, Config } from "../platform/config/config.ts";
import type { Paths } from "../platform/config/paths.ts";
import { ensurePrivateDir, readJson, writeAtomic } from "../platform/files.ts";
import { createGit } from "../platform/git/git.ts";
import { acquireLock } from "../platform/lock.ts";
import type { Logger } from "../platform/log.ts";
import type { Labels } from "../protocol/labels.ts";
import type { Command, CommandError } from "../protocol/link.ts";
import type { OperationOrder } from "../protocol/operations.ts";
import { DoneCommands } from "./journal/done-commands.ts";
import { writeLauncher } from "./launcher.ts";
import { Link } from "./link/link.ts";
import { Operations } from "./operations/operations.ts";
import { repositoryRule } from "./repositories.ts";
import { UsageLimits } from "./runner/usage-limits.ts";
import { Runs } from "./runs.ts";
import { Sandboxes } from "./sandbox/sandboxes.ts";
import { Worktrees } from "./worktrees/worktrees.ts";

export interface DaemonOptions {
  paths: Paths;
  serverUrl: string;
  /** Daemon key of the server. */
  key: string;
  /** Program and arguments that make makima's command line, for agents to call. */
  selfCommand: readonly string[];
  name: string;
  maxTasks: number;
  /** What this machine offers to tasks that ask for it. */
  labels: Labels;
  /** The agents as configured now: read again for every run, so that an edit needs no restart. */
  loadAgents: () => Promise<Readonly<Record<string, AgentConfig>>>;
  /** Names of variables that checks get besides the basics. */
  passEnv: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** Globs of the repositories that may be worked in; null allows every one. */
  repositories: readonly string[] | null;
  worktrees: Config["worktrees"];
  /** The sandbox of agents and checks. */
  bubblewrap: BubblewrapConfig;
  /** Files that no sandboxed process is to see: makima's configuration, and those with secrets that it names. */
  secrets: readonly string[];
  log: Logger;
  clock: Clock;
}

/** A running daemon. Closing it lets go of its agents, which go on; it never stops one. */
export interface RunningDaemon extends AsyncDisposable {
  close(): Promise<void>;
}

/** Takes over the runs that it finds on disk, then connects to the server. Throws `already_running` when another one lives here. */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const { paths, log } = options;
  await ensurePrivateDir(paths.home);
  await using stack = new AsyncDisposableStack();
  const lock = await acquireLock(paths.daemonLock);
  if (lock === null) throw new MakimaError("already_running", `Another daemon works in ${paths.home}`);
  stack.use(lock);
  await ensurePrivateDir(paths.runs);
  const daemonId = await identity(paths.daemonJson);
  const worktrees = await checkoutsOf(options, daemonId);
  await writeLauncher(paths.bin, { command: options.selfCommand, serverUrl: options.serverUrl });
  const commands = await DoneCommands.open(paths.home);
  // Hidden are those of other daemons as well.
  const everyones = options.worktrees.dir ?? paths.worktrees;
  const sandboxes = new Sandboxes({ ...options, config: options.bubblewrap, worktrees: everyones });
  const git = createGit(options.environment, (dir) => sandboxes.forGit(dir));
  const allowsRepository = repositoryRule(options.repositories, options.environment["HOME"] ?? "");
  const shared = { ...options, worktrees, git, sandboxes, allowsRepository };
  const runs = stack.use(await Runs.open(paths.runs, { ...shared, bin: paths.bin, usageLimits: new UsageLimits() }));
  const checkouts = stack.use(
    await Worktrees.open({ ...shared, ...options.worktrees, home: paths.home, root: worktrees, runs }),
  );
  const isAtWork = (taskId: string) => runs.isAtWork(taskId);
  const holdTask = (taskId: string) => runs.hold(taskId);
  const operations = stack.use(await Operations.open({ ...shared, daemonId, commands, checkouts, isAtWork, holdTask }));
  stack.use(connect(options, { daemonId, commands, runs, checkouts, operations }));
  log.info({ daemonId, server: options.serverUrl }, "daemon started");
  const owned = stack.move();
  return { close: () => owned.disposeAsync(), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Parts {
  daemonId: string;
  commands: DoneCommands;
  runs: Runs;
  checkouts: Worktrees;
  operations: Operations;
}

/**
 * A directory of this daemon alone: in one that is configured others may have theirs as well, and what a daemon finds in
 * its own it may remove.
 */
async function checkoutsOf({ worktrees: { dir }, paths }: DaemonOptions, daemonId: string): Promise<string> {
  if (dir !== null) await ensurePrivateDir(dir);
  const own = dir === null ? paths.worktrees : join(dir, daemonId);
  await ensurePrivateDir(own);
  return own;
}

function connect(options: DaemonOptions, parts: Parts): Link {
  const { daemonId, commands, runs, checkouts, operations } = parts;
  const instance = randomUUID();
  return new Link({
    serverUrl: options.serverUrl,
    key: options.key,
    clock: options.clock,
    log: options.log,
    hello: async () => {
      const { name, maxTasks, labels } = options;
      const worktrees = await checkouts.taskIds();
      return { daemonId, instance, name, host: hostname(), maxTasks, labels, runs: runs.undelivered(), worktrees };
    },
    heartbeat: () => {
      const worktrees = checkouts.usage();
      return worktrees === null ? {} : { worktrees };
    },
    connected: (send, { acked, orphans }) => {
      runs.connect(send, acked);
      checkouts.welcomed(orphans);
    },
    disconnected: () => runs.disconnect(),
    acknowledged: (run, stream, offset) => runs.acknowledge(run, stream, offset),
    fenced: (run) => runs.fence(run),
    command: async (id, command, closing) => {
      const known = commands.answer(id);
      if (known !== undefined) return known.error;
      const error = await execute(parts, command, closing);
      await commands.record(id, { error, result: null });
      return error;
    },
    operation: (id, order) => operations.execute(id, order),
  });
}

/** null when it is done, else why it cannot be. Rejects when it is to be done again: `closing` cut it short. */
async function execute(
  { runs, checkouts }: Parts,
  command: Exclude<Command, OperationOrder>,
  closing: AbortSignal,
): Promise<CommandError | null> {
  if (command.kind === "CleanupWorktree") return checkouts.cleanUp(command, closing);
  if (command.kind === "SpawnTask") await checkouts.expectIn(command.spec.repository);
  return runs.execute(command);
}

/** The daemon's lasting identity, made at its first start. */
async function identity(path: string): Promise<string> {
  const known = (await readJson(path)) as { id: string } | undefined;
  if (known !== undefined) return known.id;
  const id = randomUUID();
  await writeAtomic(path, `${JSON.stringify({ id })}\n`);
  return id;
}
