import type { Sandboxes } from "../../daemon/sandbox/sandboxes.ts";
import type { BubblewrapConfig } from "../../platform/config/config.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import { secretFiles } from "../../platform/config/secret-files.ts";
import { createGit } from "../../platform/git/git.ts";
import type { Repository } from "../../platform/git/repository.ts";
import { selfCommand } from "../../platform/process/background.ts";
import { startForeground } from "../../platform/process/foreground.ts";
import type { ForegroundProgram } from "../../platform/process/foreground.ts";
import type { Context } from "../context.ts";
import { prepareHome } from "./home.ts";

export interface SandboxOptions {
  loaded: LoadedConfig;
  repository: Repository;
  /** null: as configured. */
  network: BubblewrapConfig["network"] | null;
}

/**
 * Runs a command in a sandbox, in a checkout that goes with it, and gives its exit code as a shell would. It has the
 * process's own stdin, stdout and stderr. Ctrl-C is for the command, which may go on; other signals end it.
 */
export async function runSandboxed(
  context: Context,
  argv: readonly string[],
  options: SandboxOptions,
): Promise<number> {
  const { openTrial } = await import("../../daemon/sandbox/trial.ts");
  const { sandboxes, env } = await prepare(context, options);
  const { repository, loaded } = options;
  let program: ForegroundProgram | null = null;
  let code: number | null = null;
  using _signals = onSignals(context, (signal) => {
    if (signal === "SIGINT" && program?.interrupt()) return;
    code ??= CODES[signal];
    program?.kill();
  });
  const paths = pathsIn(loaded.home);
  await prepareHome(paths);
  await using trial = await openTrial({
    git: createGit(context.env),
    sandboxes,
    trials: paths.trials,
    repository,
    env,
  });
  program = await startForeground(argv, { sandbox: trial.sandbox, cwd: trial.dir, dir: trial.place, env });
  // It may have been asked for before there was a program.
  if (code !== null) program.kill();
  const exit = await program.exited;
  return code ?? exit;
}

/** What stands before a program and its arguments to run it in a sandbox of the repository whose checkout is at `dir`. */
export async function sandboxArguments(
  context: Context,
  dir: string,
  options: SandboxOptions,
): Promise<readonly string[]> {
  const { sandboxes, env } = await prepare(context, options);
  return sandboxes.forCheck({ dir, repository: options.repository.commonDir, caches: null, env });
}

async function prepare(context: Context, { loaded, network }: SandboxOptions) {
  const { Sandboxes } = await import("../../daemon/sandbox/sandboxes.ts");
  const { sandboxVariables } = await import("../../daemon/sandbox/caches.ts");
  const { commandEnvironment } = await import("../../daemon/runner/environment.ts");
  const { process: processes, worktrees } = loaded.config;
  const paths = pathsIn(loaded.home);
  const sandboxes: Sandboxes = new Sandboxes({
    config: { ...processes.bubblewrap, network: network ?? processes.bubblewrap.network },
    environment: context.env,
    paths,
    worktrees: worktrees.dir ?? paths.worktrees,
    secrets: secretFiles(loaded),
    selfCommand: selfCommand(),
  });
  return { sandboxes, env: commandEnvironment(processes.passEnv, context.env, sandboxVariables(null)) };
}

function onSignals(context: Context, listener: (signal: Signal) => void): Disposable {
  const stack = new DisposableStack();
  for (const signal of Object.keys(CODES) as Signal[]) {
    stack.use(context.onSignals([signal], () => listener(signal)));
  }
  return stack;
}

/** What a shell says of a program that the signal has ended. */
const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
type Signal = keyof typeof CODES;
