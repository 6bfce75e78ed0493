import type { Catalog } from "./entry.ts";

export const CONTRACT: Catalog = {
  create: {
    summary: "Create a contract",
    audience: "person",
    load: async () => (await import("../commands/contract/create.ts")).contractCreateCommand,
  },
  list: {
    summary: "List contracts",
    audience: "person",
    load: async () => (await import("../commands/contract/list.ts")).contractListCommand,
  },
  show: {
    summary: "Show a contract with its goals, files and tasks",
    audience: "agent",
    load: async () => (await import("../commands/contract/show.ts")).contractShowCommand,
  },
  status: {
    summary: "Show where a contract stands, and what happens in it",
    audience: "agent",
    load: async () => (await import("../commands/contract/status.ts")).contractStatusCommand,
  },
  checklist: {
    summary: "Show which goals and deliverables are there",
    audience: "agent",
    load: async () => (await import("../commands/contract/checklist.ts")).contractChecklistCommand,
  },
  goals: {
    summary: "List the goals of a contract, and mark those that are met",
    audience: "agent",
    load: async () => (await import("../commands/contract/goals.ts")).contractGoalsCommand,
  },
  files: {
    summary: "List the files of a contract",
    audience: "agent",
    load: async () => (await import("../commands/contract/files.ts")).contractFilesCommand,
  },
  file: {
    summary: "Print a file of a contract",
    audience: "agent",
    load: async () => (await import("../commands/contract/file.ts")).contractFileCommand,
  },
  "create-file": {
    summary: "Write a new file of a contract",
    audience: "agent",
    load: async () => (await import("../commands/contract/create-file.ts")).contractCreateFileCommand,
  },
  "update-file": {
    summary: "Write a new version of a file",
    audience: "agent",
    load: async () => (await import("../commands/contract/update-file.ts")).contractUpdateFileCommand,
  },
  report: {
    summary: "Say how it goes",
    audience: "agent",
    load: async () => (await import("../commands/contract/report.ts")).contractReportCommand,
  },
  "suggest-action": {
    summary: "Say what to do next",
    audience: "agent",
    load: async () => (await import("../commands/contract/suggest-action.ts")).contractSuggestActionCommand,
  },
  "completion-action": {
    summary: "Say what becomes of the work of a contract",
    audience: "supervisor",
    load: async () => (await import("../commands/contract/completion-action.ts")).contractCompletionActionCommand,
  },
  update: {
    summary: "Change name or limits of a contract",
    audience: "person",
    load: async () => (await import("../commands/contract/update.ts")).contractUpdateCommand,
  },
  pause: {
    summary: "Pause the running tasks of a contract; no other one starts",
    audience: "person",
    load: async () => (await import("../commands/contract/pause.ts")).contractPauseCommand,
  },
  resume: {
    summary: "Go on with a paused contract",
    audience: "person",
    load: async () => (await import("../commands/contract/resume.ts")).contractResumeCommand,
  },
  complete: {
    summary: "Declare a contract complete, and print its report",
    audience: "supervisor",
    load: async () => (await import("../commands/contract/complete.ts")).contractCompleteCommand,
  },
  delete: {
    summary: "Delete a contract; its live tasks are stopped first",
    audience: "person",
    load: async () => (await import("../commands/contract/delete.ts")).contractDeleteCommand,
  },
};
