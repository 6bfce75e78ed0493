import { CONTRACT } from "./catalog/contract.ts";
import { DAEMON } from "./catalog/daemon.ts";
import type { Catalog } from "./catalog/entry.ts";
import { KEY } from "./catalog/key.ts";
import { NOTIFICATION } from "./catalog/notification.ts";
import { QUESTION } from "./catalog/question.ts";
import { SERVER } from "./catalog/server.ts";
import { SUPERVISOR } from "./catalog/supervisor.ts";
import { WORKTREE } from "./catalog/worktree.ts";

/** Every command, in the order of the help. */
export const CATALOG: Catalog = {
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
  message: {
    summary: "Say something to a task's agent",
    load: async () => (await import("./commands/message.ts")).messageCommand,
  },
  pause: {
    summary: "Pause a task; its agent ends, and its session is kept",
    load: async () => (await import("./commands/pause.ts")).pauseCommand,
  },
  resume: {
    summary: "Go on with a paused, failed or stopped task",
    load: async () => (await import("./commands/resume.ts")).resumeCommand,
  },
  stop: {
    summary: "Stop a task; its work so far is kept",
    load: async () => (await import("./commands/stop.ts")).stopCommand,
  },
  contract: { summary: "Contracts: goals with their tasks", verbs: CONTRACT },
  supervisor: { summary: "Drive a contract: spawn, wait, read, merge, ask", verbs: SUPERVISOR },
  question: { summary: "What agents ask", verbs: QUESTION },
  notification: { summary: "What people should see", verbs: NOTIFICATION },
  up: {
    summary: "Run the server and a daemon in one process, for this machine",
    load: async () => (await import("./commands/up.ts")).upCommand,
  },
  open: {
    summary: "Log in with a browser",
    load: async () => (await import("./commands/open.ts")).openCommand,
  },
  down: {
    summary: "Stop the local server and daemon; agents go on unless --stop-tasks",
    load: async () => (await import("./commands/down.ts")).downCommand,
  },
  server: {
    summary: "Run the server alone, or look after its database",
    load: async () => (await import("./commands/server.ts")).serverCommand,
    verbs: SERVER,
  },
  daemon: {
    summary: "Run the daemon alone, as a worker of a server, or see who works",
    load: async () => (await import("./commands/daemon.ts")).daemonCommand,
    verbs: DAEMON,
  },
  worktree: { summary: "Worktrees of tasks on every machine: their sizes, clean-up", verbs: WORKTREE },
  sandbox: {
    summary: "Run a command in a sandbox, in a throw-away clone of a repository",
    load: async () => (await import("./commands/sandbox.ts")).sandboxCommand,
  },
  key: { summary: "Keys to the server, for people and daemons", verbs: KEY },
  mcp: {
    summary: "Serve the commands of a contract as tools to an MCP client",
    load: async () => (await import("./commands/mcp.ts")).mcpCommand,
  },
  doctor: {
    summary: "Check this machine and say how to mend what is broken",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand,
  },
};
