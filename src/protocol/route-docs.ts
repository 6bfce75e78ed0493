import type { RouteName } from "./routes.ts";

/** What the groups of routes are about, in the order in which the API's documentation shows them. */
export const TAGS = {
  contracts: "Goals to be met, with their settings.",
  tasks: "Units of agent work, each with its own worktree and branch.",
  files: "Documents of a contract: what its phases have to deliver.",
  operations:
    "What daemons do in repositories for somebody who waits: diffs, merges, branches, checkpoints, worktrees.",
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
  whoAmI: { tag: "keys", summary: "Show whose key the request carries" },
  shutdown: {
    tag: "server",
    summary: "Stop the server",
    description: "Agents go on without it, unless `stopTasks` cancels their tasks first.",
  },

  createContract: { tag: "contracts", summary: "Create a contract and its first task" },
  openContract: {
    tag: "contracts",
    summary: "Create a contract that a person drives",
    description: "It has no task yet.",
  },
  listContracts: { tag: "contracts", summary: "List contracts, newest first" },
  getContract: { tag: "contracts", summary: "Show a contract with its tasks" },
  contractStatus: {
    tag: "contracts",
    summary: "Show where a contract stands",
    description: "Its phase, what that still has to deliver, and what to do next.",
  },
  updateContract: { tag: "contracts", summary: "Change a contract" },
  changeGoals: { tag: "contracts", summary: "Add goals to the checklist, or mark some as done or open" },
  advancePhase: {
    tag: "contracts",
    summary: "Go on to the next phase",
    description: "Refused while a deliverable is missing, unless a person forces it.",
  },
  setCompletionAction: { tag: "contracts", summary: "Say what becomes of the work of a contract's tasks" },
  pauseContract: {
    tag: "contracts",
    summary: "Pause a contract",
    description: "Its running tasks are paused, its pending ones stay pending.",
  },
  resumeContract: { tag: "contracts", summary: "Let a paused contract go on" },
  completeContract: {
    tag: "contracts",
    summary: "Declare a contract completed",
    description:
      "Refused while tasks of it are live. A supervisor may do it in the last phase, when nothing is missing, and is then " +
      "the only task that may be live.",
  },
  deleteContract: { tag: "contracts", summary: "Delete a contract", description: "Stops its live tasks first." },

  listFiles: { tag: "files", summary: "List the files of a contract" },
  createFile: { tag: "files", summary: "Add a file to a contract" },
  getFile: { tag: "files", summary: "Read a file of a contract" },
  updateFile: {
    tag: "files",
    summary: "Write a new version of a file",
    description: "With If-Match, only if nobody has written one meanwhile.",
  },
  listReports: { tag: "contracts", summary: "List the reports of a contract, newest first" },
  createReport: { tag: "contracts", summary: "Report on the progress" },

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
    description:
      "A paused one where it stopped; a failed or cancelled one with a new run; a completed one, too, when `message` says why.",
  },
  messageTask: {
    tag: "tasks",
    summary: "Tell a task's agent something",
    description: "Interrupts the agent; its session goes on with the text.",
  },
  listCheckpoints: { tag: "tasks", summary: "List the checkpoints of a task, oldest first" },
  listRuns: { tag: "tasks", summary: "List the runs of a task, the latest first" },

  listStreams: { tag: "runs", summary: "List the streams of a run" },
  readStream: {
    tag: "runs",
    summary: "Read a stream of a run",
    description: "The bytes from an offset on; with `follow=true` until the stream is complete.",
  },
  listChanges: {
    tag: "server",
    summary: "Read the change feed",
    description:
      "With a task's key, the changes of its own contract. A page of fewer than `limit` changes reaches up to `latest`.",
  },

  startOperation: {
    tag: "operations",
    summary: "Have a daemon do something in a repository",
    description:
      "Its result is there when its `status` is `done`; the change feed tells when that is. What is about a `daemon` itself " +
      "is for people only.",
  },
  listOperations: { tag: "operations", summary: "List operations, newest first" },
  getOperation: { tag: "operations", summary: "Show an operation and its result" },

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
  createLogin: {
    tag: "keys",
    summary: "Create a code that logs a browser in",
    description:
      "The page `/login#CODE` exchanges it for a session, a key in a cookie that expires: once, and within minutes. The " +
      "code is shown this once, so a repetition with the same Idempotency-Key is answered with `conflict`.",
  },
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
