import { z } from "zod";
import { NOTIFICATION_KINDS } from "../core/notification-kinds.ts";
import { CONTRACT_TYPES, PHASES } from "../core/phases.ts";
import { Id, Time } from "./identifiers.ts";
import { Labels } from "./labels.ts";
import { CheckReport, DiffStat, GateReport, TamperingReport, Verification, VerdictKind } from "./run-events.ts";

/** The things that the API shows. Ids are UUIDv7, times epoch milliseconds, money US dollars. */

export const TaskStatus = z.enum([
  "pending",
  "starting",
  "running",
  "waiting",
  "paused",
  "completed",
  "failed",
  "cancelled",
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

export const Phase = z.enum(PHASES);
export const ContractType = z.enum(CONTRACT_TYPES);

/** What becomes of the work of a contract's tasks; all but `none` merge each into the integration branch first. */
export const CompletionAction = z.enum(["none", "branch", "merge", "pr"]);
export type CompletionAction = z.infer<typeof CompletionAction>;

/** One entry of a contract's checklist; its number is its position, from 1 on. */
export const Goal = z.strictObject({ text: z.string(), done: z.boolean() });
export type Goal = z.infer<typeof Goal>;

export const Repository = z.strictObject({
  /** Absolute path of its top level on the daemon's machine. */
  path: z.string(),
  /** Full commit id that the contract started from. */
  base: z.string(),
  /** Branch that was checked out then: where the work is to go in the end; null when HEAD was detached. */
  branch: z.string().nullable(),
});
export type Repository = z.infer<typeof Repository>;

export const Contract = z.strictObject({
  id: Id,
  name: z.string(),
  status: z.enum(["active", "paused", "completed", "deleted"]),
  type: ContractType,
  phase: Phase,
  /** What moves it on: its one task, a supervising agent, or a person. */
  driver: z.enum(["task", "supervisor", "person"]),
  goal: z.string(),
  goals: z.array(Goal),
  /** The first is the one that tasks work in by default. */
  repositories: z.array(Repository),
  /** Where its tasks are merged. */
  integrationBranch: z.string(),
  completionAction: CompletionAction,
  autonomousLoop: z.boolean(),
  checks: z.array(z.string()),
  /** Of all its tasks together; null: no limit. */
  budgetUsd: z.number().nullable(),
  costUsd: z.number(),
  /** Most of its tasks at work at the same time, supervisors apart; null: no limit. */
  maxParallel: z.int().nullable(),
  /** Grows with every change of the contract; for If-Match. */
  version: z.int(),
  createdAt: Time,
  updatedAt: Time,
});
export type Contract = z.infer<typeof Contract>;

/** A task as lists show it. `reason` says why it ended or what it waits for. */
export const Task = z.strictObject({
  id: Id,
  contractId: Id,
  name: z.string(),
  role: z.enum(["worker", "supervisor"]),
  /** The task that spawned it, or that it is listed under. */
  parentId: z.string().nullable(),
  status: TaskStatus,
  /** Its daemon is offline: a flag, not a state, because a lost link is not a death. */
  unreachable: z.boolean(),
  reason: z.string().nullable(),
  agent: z.string(),
  repository: z.string(),
  branch: z.string(),
  base: z.string(),
  /** Of a completed task's branch and the integration branch; null: nothing is, or has, to be merged. */
  merge: z.enum(["queued", "merged", "conflict", "failed"]).nullable(),
  /** Tasks that must be completed, and merged where that is the plan, before this one starts. */
  after: z.array(Id),
  /** What its daemon must offer. */
  labels: Labels,
  head: z.string().nullable(),
  runId: z.string().nullable(),
  /** Daemon of the latest run. */
  daemonId: z.string().nullable(),
  /** Counted iterations of the present run. */
  iterations: z.int(),
  costUsd: z.number(),
  /** Epoch ms at which a waiting task goes on. */
  waitUntil: Time.nullable(),
  /** Grows with every change of the task; for If-Match. */
  version: z.int(),
  createdAt: Time,
  updatedAt: Time,
});
export type Task = z.infer<typeof Task>;

export const Iteration = z.strictObject({
  index: z.int(),
  sessionId: z.string().nullable(),
  gate: GateReport.nullable(),
  changed: z.boolean().nullable(),
  error: z.string().nullable(),
  /** null while the iteration runs. */
  verdict: VerdictKind.nullable(),
  reason: z.string().nullable(),
  /** A ready gate that makima did not believe. */
  refused: z.boolean(),
  costUsd: z.number(),
  durationMs: z.int().nullable(),
  startedAt: Time,
});
export type Iteration = z.infer<typeof Iteration>;

/** A task with its contract and everything its latest run has reported. */
export const TaskDetail = z.strictObject({
  contract: Contract,
  task: Task,
  iterations: z.array(Iteration),
  verification: Verification.nullable(),
  checks: z.array(CheckReport),
  tampering: z.array(TamperingReport),
  costUsd: z.number(),
  worktree: z.string().nullable(),
  /** What its agent and checks run in; null: nothing. */
  sandbox: z.literal("bubblewrap").nullable(),
  branchKept: z.boolean(),
  diffStat: DiffStat.nullable(),
  errorCode: z.string().nullable(),
  hint: z.string().nullable(),
  /** Position of the change feed at which this was read: what is newer comes after it. */
  cursor: z.int(),
});
export type TaskDetail = z.infer<typeof TaskDetail>;

/** One attempt at a task. */
export const Run = z.strictObject({
  id: Id,
  taskId: Id,
  daemonId: z.string(),
  fence: z.int(),
  status: z.enum(["assigned", "running", "completed", "failed", "cancelled", "fenced"]),
  iterations: z.int(),
  createdAt: Time,
  startedAt: Time.nullable(),
  endedAt: Time.nullable(),
  /** When its output was dropped by the retention rules; null while it is there. */
  droppedAt: Time.nullable(),
});
export type Run = z.infer<typeof Run>;

export const StreamInfo = z.strictObject({ stream: z.string(), size: z.int() });

export const Daemon = z.strictObject({
  id: Id,
  name: z.string(),
  host: z.string(),
  online: z.boolean(),
  maxTasks: z.int(),
  labels: Labels,
  running: z.int(),
  /** Size of its checkouts, and what they should not pass (null: no limit); null: not known. */
  worktrees: z.strictObject({ bytes: z.int(), quota: z.int().nullable() }).nullable(),
  lastSeenAt: Time,
});
export type Daemon = z.infer<typeof Daemon>;

/** A key without its secret; `id` is the beginning of its hash. */
export const Key = z.strictObject({
  id: Id,
  kind: z.enum(["user", "daemon", "task"]),
  name: z.string().nullable(),
  contractId: z.string().nullable(),
  runId: z.string().nullable(),
  createdAt: Time,
  revokedAt: Time.nullable(),
  /** Of a browser's session; null: it is valid until it is revoked. */
  expiresAt: Time.nullable(),
});
export type Key = z.infer<typeof Key>;

export const Question = z.strictObject({
  id: Id,
  contractId: Id,
  taskId: Id,
  text: z.string(),
  /** Answers to choose from; empty: any text. */
  choices: z.array(z.string()),
  status: z.enum(["open", "answered", "withdrawn"]),
  answer: z.string().nullable(),
  createdAt: Time,
  closedAt: Time.nullable(),
});
export type Question = z.infer<typeof Question>;

export const NotificationKind = z.enum(NOTIFICATION_KINDS);
export type NotificationKind = z.infer<typeof NotificationKind>;

export const Notification = z.strictObject({
  id: Id,
  kind: NotificationKind,
  status: z.enum(["unread", "read", "dismissed"]),
  title: z.string(),
  body: z.string(),
  contractId: z.string().nullable(),
  taskId: z.string().nullable(),
  createdAt: Time,
});
export type Notification = z.infer<typeof Notification>;

/** One notification on its way to one webhook. */
export const Delivery = z.strictObject({
  id: Id,
  notificationId: Id,
  /** Origin and path of the webhook; what may be secret in its query is left out. */
  target: z.string(),
  status: z.enum(["pending", "delivered", "failed"]),
  attempts: z.int(),
  /** Of the latest attempt; null when there was no answer. */
  responseStatus: z.int().nullable(),
  error: z.string().nullable(),
  /** When it is tried next; null when it is not. */
  nextAt: Time.nullable(),
  createdAt: Time,
});
export type Delivery = z.infer<typeof Delivery>;

/** A document of a contract, in its latest version. */
export const ContractFile = z.strictObject({
  contractId: Id,
  /** Unique in the contract. */
  name: z.string(),
  title: z.string(),
  phase: Phase,
  /** Grows with every change; for If-Match. */
  version: z.int(),
  /** UTF-16 units of its content. */
  size: z.int(),
  createdAt: Time,
  updatedAt: Time,
});
export type ContractFile = z.infer<typeof ContractFile>;

/** What an agent or a person says of the progress. */
export const Report = z.strictObject({
  id: Id,
  contractId: Id,
  /** null: a person reports. */
  taskId: z.string().nullable(),
  text: z.string(),
  createdAt: Time,
});
export type Report = z.infer<typeof Report>;

/** `name` is the number of the iteration after which it was made, or one that was asked for: `3.1`. */
export const Checkpoint = z.strictObject({
  taskId: Id,
  name: z.string(),
  runId: z.string(),
  commit: z.string(),
  ref: z.string(),
  message: z.string(),
  createdAt: Time,
});
export type Checkpoint = z.infer<typeof Checkpoint>;

export const Deliverable = z.strictObject({
  kind: z.enum(["file", "tasks"]),
  name: z.string(),
  title: z.string(),
  done: z.boolean(),
  /** What is missing, in words; null when it is done. */
  missing: z.string().nullable(),
});

/** What to do next, and the command line that does it. */
export const Suggestion = z.strictObject({ action: z.string(), command: z.string() });
export type Suggestion = z.infer<typeof Suggestion>;

/** A contract at a glance: where it stands and what is missing. */
export const ContractStatus = z.strictObject({
  contract: Contract,
  /** null: it is in its last phase. */
  nextPhase: Phase.nullable(),
  /** Of the present phase. */
  deliverables: z.array(Deliverable),
  /** Number of its tasks by status; what there is none of is absent. */
  tasks: z.partialRecord(TaskStatus, z.int()),
  /** Completed tasks that are to be merged and are not. */
  unmerged: z.array(z.strictObject({ id: Id, name: z.string(), merge: z.string() })),
  openQuestions: z.array(Question),
  /** The latest, newest first. */
  reports: z.array(Report),
  suggestions: z.array(Suggestion),
});
export type ContractStatus = z.infer<typeof ContractStatus>;

/** Whose key a request carries. */
export const Me = z.strictObject({
  kind: z.enum(["user", "daemon", "task", "supervisor"]),
  contractId: z.string().nullable(),
  taskId: z.string().nullable(),
  runId: z.string().nullable(),
});
export type Me = z.infer<typeof Me>;
