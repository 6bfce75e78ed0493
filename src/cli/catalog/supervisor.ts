import type { Catalog } from "./entry.ts";

export const SUPERVISOR: Catalog = {
  status: {
    summary: "Show where a contract stands, and what to do next",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/status.ts")).supervisorStatusCommand,
  },
  tasks: {
    summary: "List the tasks of a contract",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/tasks.ts")).supervisorTasksCommand,
  },
  tree: {
    summary: "Show the tasks of a contract as a tree",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/tree.ts")).supervisorTreeCommand,
  },
  task: {
    summary: "Show everything about a task",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/task.ts")).supervisorTaskCommand,
  },
  output: {
    summary: "Print what a task's agent printed",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/output.ts")).supervisorOutputCommand,
  },
  spawn: {
    summary: "Add a task to a contract",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/spawn.ts")).supervisorSpawnCommand,
  },
  wait: {
    summary: "Wait until tasks have ended",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/wait.ts")).supervisorWaitCommand,
  },
  message: {
    summary: "Say something to a task's agent",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/message.ts")).supervisorMessageCommand,
  },
  cancel: {
    summary: "Cancel a task; its work so far is kept",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/cancel.ts")).supervisorCancelCommand,
  },
  resume: {
    summary: "Go on with a task that is paused or has ended",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/resume.ts")).supervisorResumeCommand,
  },
  diff: {
    summary: "Show what a task has changed",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/diff.ts")).supervisorDiffCommand,
  },
  "read-file": {
    summary: "Print a file of a task's checkout",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/read-file.ts")).supervisorReadFileCommand,
  },
  branch: {
    summary: "List the branches of a contract, or create one",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/branch.ts")).supervisorBranchCommand,
  },
  merge: {
    summary: "Merge a task's branch, with its checks",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/merge.ts")).supervisorMergeCommand,
  },
  pr: {
    summary: "Push a branch and open a pull request for it",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/pr.ts")).supervisorPrCommand,
  },
  checkpoint: {
    summary: "Keep the present state of a task's checkout",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/checkpoint.ts")).supervisorCheckpointCommand,
  },
  checkpoints: {
    summary: "List the checkpoints of a task",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/checkpoints.ts")).supervisorCheckpointsCommand,
  },
  restore: {
    summary: "Put a task's checkout back to a checkpoint",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/restore.ts")).supervisorRestoreCommand,
  },
  ask: {
    summary: "Ask people a question, and wait for the answer",
    audience: "agent",
    load: async () => (await import("../commands/supervisor/ask.ts")).supervisorAskCommand,
  },
  "advance-phase": {
    summary: "Move a contract on to its next phase",
    audience: "supervisor",
    load: async () => (await import("../commands/supervisor/advance-phase.ts")).supervisorAdvancePhaseCommand,
  },
};
