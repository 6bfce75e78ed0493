import { MakimaError } from "../../core/errors.ts";
import type { RunningDaemon } from "../../daemon/daemon.ts";
import { systemClock } from "../../platform/clock.ts";
import { loadConfig } from "../../platform/config/load.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import { secretFiles } from "../../platform/config/secret-files.ts";
import type { Logger } from "../../platform/log.ts";
import { selfCommand } from "../../platform/process/background.ts";
import { credentialsIn, learnSecrets } from "../../platform/redact/secrets.ts";
import { Labels } from "../../protocol/labels.ts";
import type { Context } from "../context.ts";

export interface WorkOptions {
  context: Context;
  loaded: LoadedConfig;
  serverUrl: string;
  key: string;
  log: Logger;
  /** Default: as configured. */
  name?: string | null;
  maxTasks?: number | null;
  /** In addition to those configured, and over them. */
  labels?: Labels;
  /** The file that the key comes from, where the configuration does not name it. */
  keyFile?: string;
}

/** Starts a daemon that works for the server; closing it never stops an agent. */
export async function joinServer({ context, loaded, ...options }: WorkOptions): Promise<RunningDaemon> {
  const { startDaemon } = await import("../../daemon/daemon.ts");
  const { daemon, process: processConfig, worktrees } = loaded.config;
  return startDaemon({
    paths: pathsIn(loaded.home),
    serverUrl: options.serverUrl,
    key: options.key,
    selfCommand: selfCommand(),
    name: options.name ?? daemon.name,
    maxTasks: options.maxTasks ?? daemon.maxTasks,
    labels: requireLabels({ ...daemon.labels, ...options.labels }),
    // Read again for every run: an agent that was just configured needs no restart.
    loadAgents: async () => {
      const current = await loadConfig({ env: context.env, flags: { config: loaded.file ?? undefined } });
      learnSecrets(credentialsIn(context.env, current.config));
      return current.config.agents;
    },
    passEnv: processConfig.passEnv,
    environment: context.env,
    repositories: daemon.repositories,
    worktrees,
    bubblewrap: processConfig.bubblewrap,
    secrets: [...secretFiles(loaded), ...(options.keyFile === undefined ? [] : [options.keyFile])],
    log: options.log,
    clock: systemClock,
  });
}

/** Better told here than by a server that refuses the daemon for it. */
function requireLabels(given: Record<string, string>): Labels {
  const labels = Labels.safeParse(given);
  if (labels.success) return labels.data;
  throw new MakimaError(
    "usage",
    "Labels are names and values of letters, digits, dots, dashes, underscores and slashes",
    {
      hint: "For example --label gpu=yes. A machine may have 50 of them.",
    },
  );
}
