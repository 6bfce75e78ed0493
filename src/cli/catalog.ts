import type { Command } from "./command.ts";

/** A command, or a noun with verbs; some nouns are commands as well (`makima daemon`, `makima daemon list`). */
export interface CatalogEntry {
  summary: string;
  /** Loaded when the command is used, so that each pays at its start for its own imports only. */
  load?: () => Promise<Command>;
  verbs?: Catalog;
}

export type Catalog = Readonly<Record<string, CatalogEntry>>;

const CONTRACT: Catalog = {
  list: {
    summary: "List contracts",
    load: async () => (await import("./commands/contract/list.ts")).contractListCommand,
  },
  show: {
    summary: "Show a contract and its tasks",
    load: async () => (await import("./commands/contract/show.ts")).contractShowCommand,
  },
  update: {
    summary: "Rename a contract",
    load: async () => (await import("./commands/contract/update.ts")).contractUpdateCommand,
  },
  pause: {
    summary: "Pause the running tasks of a contract; no other one starts",
    load: async () => (await import("./commands/contract/pause.ts")).contractPauseCommand,
  },
  resume: {
    summary: "Go on with a paused contract",
    load: async () => (await import("./commands/contract/resume.ts")).contractResumeCommand,
  },
  complete: {
    summary: "Declare a contract complete",
    load: async () => (await import("./commands/contract/complete.ts")).contractCompleteCommand,
  },
  delete: {
    summary: "Delete a contract; its live tasks are stopped first",
    load: async () => (await import("./commands/contract/delete.ts")).contractDeleteCommand,
  },
};

const QUESTION: Catalog = {
  list: {
    summary: "List the questions that wait for an answer",
    load: async () => (await import("./commands/question/list.ts")).questionListCommand,
  },
  show: {
    summary: "Show a question",
    load: async () => (await import("./commands/question/show.ts")).questionShowCommand,
  },
  answer: {
    summary: "Answer a question",
    load: async () => (await import("./commands/question/answer.ts")).questionAnswerCommand,
  },
};

const NOTIFICATION: Catalog = {
  list: {
    summary: "List notifications",
    load: async () => (await import("./commands/notification/list.ts")).notificationListCommand,
  },
  read: {
    summary: "Mark a notification as read, and show it",
    load: async () => (await import("./commands/notification/read.ts")).notificationReadCommand,
  },
  dismiss: {
    summary: "Dismiss a notification, or all of them",
    load: async () => (await import("./commands/notification/dismiss.ts")).notificationDismissCommand,
  },
};

const SERVER: Catalog = {
  migrate: {
    summary: "Bring the database up to this version of makima",
    load: async () => (await import("./commands/server/migrate.ts")).serverMigrateCommand,
  },
  import: {
    summary: "Move the data of one machine into PostgreSQL",
    load: async () => (await import("./commands/server/import.ts")).serverImportCommand,
  },
  backup: {
    summary: "Write the whole database into one file, while servers go on",
    load: async () => (await import("./commands/server/backup.ts")).serverBackupCommand,
  },
  restore: {
    summary: "Make a backup the database",
    load: async () => (await import("./commands/server/restore.ts")).serverRestoreCommand,
  },
};

const DAEMON: Catalog = {
  list: {
    summary: "List daemons and what they are at work on",
    load: async () => (await import("./commands/daemon/list.ts")).daemonListCommand,
  },
  remove: {
    summary: "Forget a daemon that is offline and has no work",
    load: async () => (await import("./commands/daemon/remove.ts")).daemonRemoveCommand,
  },
};

const KEY: Catalog = {
  create: {
    summary: "Create a key for a person or a daemon",
    load: async () => (await import("./commands/key/create.ts")).keyCreateCommand,
  },
  list: {
    summary: "List keys",
    load: async () => (await import("./commands/key/list.ts")).keyListCommand,
  },
  revoke: {
    summary: "Revoke a key",
    load: async () => (await import("./commands/key/revoke.ts")).keyRevokeCommand,
  },
};

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
  question: { summary: "What agents ask", verbs: QUESTION },
  notification: { summary: "What people should see", verbs: NOTIFICATION },
  up: {
    summary: "Run the server and a daemon in one process, for this machine",
    load: async () => (await import("./commands/up.ts")).upCommand,
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
  key: { summary: "Keys to the server, for people and daemons", verbs: KEY },
  doctor: {
    summary: "Check this machine and say how to mend what is broken",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand,
  },
};
