/** What people are told of. Protocol and configuration name them alike. */
export const NOTIFICATION_KINDS = [
  "task-finished",
  "task-failed",
  "breaker-open",
  "question-asked",
  "usage-limit-reached",
  "usage-limit-over",
  "daemon-lost",
  "worktrees-full",
  "merge-conflict",
  "merge-failed",
  "budget-spent",
  "contract-done",
] as const;
