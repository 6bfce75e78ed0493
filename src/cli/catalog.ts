import type { Command } from "./command.ts";

export interface CatalogEntry {
  summary: string;
  /** Loaded when the command is used, so that each pays at its start for its own imports only. */
  load: () => Promise<Command>;
}

/** Every command, in the order of the help. */
export const CATALOG: Record<string, CatalogEntry> = {
  run: {
    summary: "State a goal and follow the work until it is done",
    load: async () => (await import("./commands/run.ts")).runCommand,
  },
  ps: {
    summary: "List tasks",
    load: async () => (await import("./commands/ps.ts")).psCommand,
  },
  logs: {
    summary: "Show what a task's agent did and said",
    load: async () => (await import("./commands/logs.ts")).logsCommand,
  },
  stop: {
    summary: "Stop a task; its work so far is kept",
    load: async () => (await import("./commands/stop.ts")).stopCommand,
  },
  resume: {
    summary: "Go on with a failed or stopped task",
    load: async () => (await import("./commands/resume.ts")).resumeCommand,
  },
  up: {
    summary: "Run the server and a daemon in one process, for this machine",
    load: async () => (await import("./commands/up.ts")).upCommand,
  },
  down: {
    summary: "Stop the local server and daemon; agents go on unless --stop-tasks",
    load: async () => (await import("./commands/down.ts")).downCommand,
  },
  server: {
    summary: "Run the server alone",
    load: async () => (await import("./commands/server.ts")).serverCommand,
  },
  daemon: {
    summary: "Run the daemon alone, as a worker of a server",
    load: async () => (await import("./commands/daemon.ts")).daemonCommand,
  },
  doctor: {
    summary: "Check this machine and say how to mend what is broken",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand,
  },
};
