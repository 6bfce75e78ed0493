import type { RouteName } from "./routes.ts";

/** What the groups of routes are about, in the order in which the API's documentation shows them. */
export const TAGS = {
  contracts: "Goals to be met, with their settings.",
  tasks: "Units of agent work, each with its own worktree and branch.",
  runs: "Attempts at a task, and the output of their agents.",
  questions: "What agents ask people.",
  notifications: "What people should see.",
  daemons: "Workers on developers' machines.",
  keys: "Who may use this API, and for what.",
  server: "The server itself.",
} as const;

export interface RouteDoc {
  tag: keyof typeof TAGS;
  /** One line, as a heading. */
  summary: string;
  /** What a caller must know besides the schemas. */
  description?: string;
}

/** An entry for every route of the table: the compiler refuses a missing one. */
export const ROUTE_DOCS: Readonly<Record<RouteName, RouteDoc>> = {
  health: { tag: "server", summary: "The server runs", description: "Open to anybody; says nothing of the database." },
  ready: { tag: "server", summary: "The server and its database answer" },
  metrics: { tag: "server", summary: "Figures for Prometheus" },
  openapi: { tag: "server", summary: "This document" },
  serverInfo: { tag: "server", summary: "Version and state of the server" },
  shutdown: {
    tag: "server",
    summary: "Stop the server",
    description: "Agents go on without it, unless `stopTasks` cancels their tasks first.",
  },

  createContract: { tag: "contracts", summary: "Create a contract and its first task" },
  listContracts: { tag: "contracts", summary: "List contracts, newest first" },
  getContract: { tag: "contracts", summary: "Show a contract with its tasks" },
  updateContract: { tag: "contracts", summary: "Change a contract" },
  pauseContract: {
    tag: "contracts",
    summary: "Pause a contract",
    description: "Its running tasks are paused, its pending ones stay pending.",
  },
  resumeContract: { tag: "contracts", summary: "Let a paused contract go on" },
  completeContract: {
    tag: "contracts",
    summary: "Declare a contract completed",
    description: "Refused while tasks of it are live.",
  },
  deleteContract: { tag: "contracts", summary: "Delete a contract", description: "Stops its live tasks first." },

  createTask: {
    tag: "tasks",
    summary: "Add a task to a contract",
    description: "What is absent is as the contract has it.",
  },
  listTasks: { tag: "tasks", summary: "List tasks, newest first" },
  getTask: { tag: "tasks", summary: "Show a task with all that its latest run has reported" },
  updateTask: { tag: "tasks", summary: "Change a task", description: "`after` and `labels` only while it is pending." },
  stopTask: { tag: "tasks", summary: "Cancel a task" },
  pauseTask: { tag: "tasks", summary: "Pause a task" },
  resumeTask: {
    tag: "tasks",
    summary: "Let a task go on",
    description: "A paused one where it stopped; a failed or cancelled one with a new run.",
  },
  messageTask: {
    tag: "tasks",
    summary: "Tell a task's agent something",
    description: "Interrupts the agent; its session goes on with the text.",
  },
  listRuns: { tag: "tasks", summary: "List the runs of a task, the latest first" },

  listStreams: { tag: "runs", summary: "List the streams of a run" },
  readStream: {
    tag: "runs",
    summary: "Read a stream of a run",
    description: "The bytes from an offset on; with `follow=true` until the stream is complete.",
  },
  listChanges: { tag: "server", summary: "Read the change feed" },

  listDaemons: { tag: "daemons", summary: "List daemons" },
  removeDaemon: {
    tag: "daemons",
    summary: "Forget a daemon",
    description: "One that is offline and holds no live run. If it comes back, it is a new one.",
  },

  createKey: {
    tag: "keys",
    summary: "Create a key",
    description:
      "The token is shown this once: only its hash is kept. So a repetition with the same Idempotency-Key creates " +
      "nothing, and is answered with `conflict`.",
  },
  listKeys: { tag: "keys", summary: "List keys, newest first" },
  revokeKey: {
    tag: "keys",
    summary: "Revoke a key",
    description:
      "It stops working at once, and what is connected under it is closed. Neither the key of the request itself nor " +
      "the one in the server's key file can be revoked.",
  },

  askQuestion: { tag: "questions", summary: "Ask a person" },
  listQuestions: { tag: "questions", summary: "List questions, newest first" },
  getQuestion: { tag: "questions", summary: "Show a question" },
  answerQuestion: { tag: "questions", summary: "Answer a question" },
  withdrawQuestion: { tag: "questions", summary: "Withdraw a question" },

  listNotifications: { tag: "notifications", summary: "List notifications, newest first" },
  readNotification: { tag: "notifications", summary: "Mark a notification as read" },
  dismissNotification: {
    tag: "notifications",
    summary: "Dismiss a notification",
    description: "It never comes back.",
  },
  markNotifications: { tag: "notifications", summary: "Mark all notifications" },
  listDeliveries: { tag: "notifications", summary: "List the deliveries of a notification to webhooks" },
};
