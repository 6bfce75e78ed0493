import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { MakimaError } from "../core/errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { AgentConfig } from "../platform/config/config.ts";
import type { Paths } from "../platform/config/paths.ts";
import { ensurePrivateDir, readJson, writeAtomic } from "../platform/files.ts";
import { createGit } from "../platform/git/git.ts";
import { acquireLock } from "../platform/lock.ts";
import type { Logger } from "../platform/log.ts";
import type { Labels } from "../protocol/labels.ts";
import { DoneCommands } from "./journal/done-commands.ts";
import { writeLauncher } from "./launcher.ts";
import { Link } from "./link/link.ts";
import { Operations } from "./operations/operations.ts";
import { repositoryRule } from "./repositories.ts";
import { UsageLimits } from "./runner/usage-limits.ts";
import { Runs } from "./runs.ts";

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
  /** Where checkouts are made; null: below makima's home. */
  worktrees: string | null;
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
  const worktrees = options.worktrees ?? paths.worktrees;
  await ensurePrivateDir(worktrees);
  await writeLauncher(paths.bin, { command: options.selfCommand, serverUrl: options.serverUrl });
  const daemonId = await identity(paths.daemonJson);
  const commands = await DoneCommands.open(paths.home);
  const git = createGit(options.environment);
  const allowsRepository = repositoryRule(options.repositories, options.environment["HOME"] ?? "");
  const shared = { ...options, worktrees, git, allowsRepository };
  const runs = stack.use(await Runs.open(paths.runs, { ...shared, bin: paths.bin, usageLimits: new UsageLimits() }));
  const isAtWork = (taskId: string) => runs.isAtWork(taskId);
  const operations = stack.use(await Operations.open({ ...shared, daemonId, commands, isAtWork }));
  stack.use(connect(options, { daemonId, commands, runs, operations }));
  log.info({ daemonId, server: options.serverUrl }, "daemon started");
  const owned = stack.move();
  return { close: () => owned.disposeAsync(), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Parts {
  daemonId: string;
  commands: DoneCommands;
  runs: Runs;
  operations: Operations;
}

function connect(options: DaemonOptions, { daemonId, commands, runs, operations }: Parts): Link {
  const instance = randomUUID();
  return new Link({
    serverUrl: options.serverUrl,
    key: options.key,
    clock: options.clock,
    log: options.log,
    hello: () => ({
      daemonId,
      instance,
      name: options.name,
      host: hostname(),
      maxTasks: options.maxTasks,
      labels: options.labels,
      runs: runs.undelivered(),
    }),
    connected: (send, acked) => runs.connect(send, acked),
    disconnected: () => runs.disconnect(),
    acknowledged: (run, stream, offset) => runs.acknowledge(run, stream, offset),
    fenced: (run) => runs.fence(run),
    command: async (id, command) => {
      const known = commands.answer(id);
      if (known !== undefined) return known.error;
      const error = await runs.execute(command);
      await commands.record(id, { error, result: null });
      return error;
    },
    operation: (id, order) => operations.execute(id, order),
  });
}

/** The daemon's lasting identity, made at its first start. */
async function identity(path: string): Promise<string> {
  const known = (await readJson(path)) as { id: string } | undefined;
  if (known !== undefined) return known.id;
  const id = randomUUID();
  await writeAtomic(path, `${JSON.stringify({ id })}\n`);
  return id;
}
