import { z } from "zod";
import { NOTIFICATION_KINDS } from "../core/notification-kinds.ts";
import { Labels } from "./labels.ts";
import { CheckReport, DiffStat, GateReport, TamperingReport, Verification, VerdictKind } from "./run-events.ts";

/** The things that the API shows. Ids are UUIDv7, times epoch milliseconds, money US dollars. */
export const Id = z.string().min(1).max(100);
export const Time = z.int();

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

export const Contract = z.strictObject({
  id: Id,
  name: z.string(),
  status: z.enum(["active", "paused", "completed", "deleted"]),
  type: z.string(),
  goal: z.string(),
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
  status: TaskStatus,
  /** Its daemon is offline: a flag, not a state, because a lost link is not a death. */
  unreachable: z.boolean(),
  reason: z.string().nullable(),
  agent: z.string(),
  repository: z.string(),
  branch: z.string(),
  base: z.string(),
  /** Tasks that must be completed before this one starts. */
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
