import { z } from "zod";
import {
  Checkpoint,
  CompletionAction,
  Contract,
  ContractFile,
  ContractStatus,
  Daemon,
  Delivery,
  Key,
  Me,
  Notification,
  NotificationKind,
  Phase,
  Question,
  Report,
  Run,
  StreamInfo,
  Task,
  TaskDetail,
} from "./entities.ts";
import { Id, Time } from "./identifiers.ts";
import { Labels } from "./labels.ts";
import { CreateContract, CreateTask, GoalText, OpenContract } from "./new-work.ts";
import { Operation, OperationRequest } from "./operations.ts";
import type { RouteName } from "./routes.ts";
import { LoopLimits } from "./run-spec.ts";
import { Change, MAX_CHANGES } from "./subscriptions.ts";
import { line, text } from "./text.ts";

export { CreateContract, CreateTask, OpenContract, TaskDefaults } from "./new-work.ts";
export type {
  Checkpoint,
  CompletionAction,
  Contract,
  ContractFile,
  ContractStatus,
  Daemon,
  Delivery,
  Goal,
  Iteration,
  Key,
  Notification,
  NotificationKind,
  Question,
  Report,
  Repository,
  Run,
  Suggestion,
  Task,
  TaskDetail,
  TaskStatus,
} from "./entities.ts";

const empty = z.strictObject({});
const byId = z.strictObject({ id: Id });
const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** `next` of the page before. */
  cursor: z.string().max(200).optional(),
});
const next = z.string().nullable();
const FileName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, "small letters, digits, dots, dashes and underscores");
/** A file of a contract: a specification, not a book. */
const FileContent = text(1_000_000);
const fileOf = z.strictObject({ id: Id, name: FileName });

const yesOrNo = z.enum(["true", "false"]).default("false");
/** `cursor`: change feed position from which everything about the change can be followed. */
const changedTask = z.strictObject({ task: Task, cursor: z.int() });
const changedContract = z.strictObject({ contract: Contract, cursor: z.int() });
const onContract = { params: byId, query: empty, body: empty, reply: changedContract };
const onNotification = {
  params: byId,
  query: empty,
  body: empty,
  reply: z.strictObject({ notification: Notification }),
};
const onQuestion = { params: byId, query: empty, body: empty, reply: z.strictObject({ question: Question }) };

/** Ids in paths may be shortened to any unambiguous beginning or end. */
export const SCHEMAS = {
  health: { params: empty, query: empty, body: empty, reply: z.strictObject({ ok: z.literal(true) }) },
  ready: { params: empty, query: empty, body: empty, reply: z.strictObject({ ok: z.literal(true) }) },
  metrics: { params: empty, query: empty, body: empty, reply: z.string() },
  openapi: { params: empty, query: empty, body: empty, reply: z.record(z.string(), z.unknown()) },
  serverInfo: {
    params: empty,
    query: empty,
    body: empty,
    reply: z.strictObject({
      version: z.string(),
      pid: z.int(),
      startedAt: Time,
      liveTasks: z.int(),
      database: z.enum(["sqlite", "postgres"]),
    }),
  },
  whoAmI: { params: empty, query: empty, body: empty, reply: Me },
  shutdown: {
    params: empty,
    query: empty,
    /** Also cancel every live task first; otherwise agents go on without the server. */
    body: z.strictObject({ stopTasks: z.boolean().default(false) }),
    reply: z.strictObject({ stopped: z.int() }),
  },

  createContract: {
    params: empty,
    query: empty,
    body: CreateContract,
    reply: z.strictObject({ contract: Contract, task: Task, cursor: z.int() }),
  },
  openContract: { params: empty, query: empty, body: OpenContract, reply: changedContract },
  listContracts: {
    params: empty,
    query: page,
    body: empty,
    reply: z.strictObject({ contracts: z.array(Contract), next }),
  },
  getContract: {
    params: byId,
    query: empty,
    body: empty,
    reply: z.strictObject({ contract: Contract, tasks: z.array(Task) }),
  },
  contractStatus: { params: byId, query: empty, body: empty, reply: ContractStatus.extend({ cursor: z.int() }) },
  /** null: no limit any more. */
  updateContract: {
    ...onContract,
    body: z.strictObject({
      name: line(200).optional(),
      budgetUsd: z.number().positive().nullable().optional(),
      maxParallel: z.int().min(1).max(10_000).nullable().optional(),
    }),
  },
  /** Adds goals, and marks others, by their numbers, as done or as open again. */
  changeGoals: {
    ...onContract,
    body: z.strictObject({
      add: z.array(GoalText).max(100).default([]),
      done: z.array(z.int().min(1)).max(100).default([]),
      open: z.array(z.int().min(1)).max(100).default([]),
    }),
  },
  /** Refused with `deliverables_missing`; only a person may force it. */
  advancePhase: { ...onContract, body: z.strictObject({ force: z.boolean().default(false) }) },
  setCompletionAction: { ...onContract, body: z.strictObject({ action: CompletionAction }) },
  /** Its running tasks are paused, its pending ones stay pending. */
  pauseContract: onContract,
  resumeContract: onContract,
  /**
   * Refused while tasks are live. By a person's decision whatever has become of them; a supervisor may do it in the last
   * phase, with every deliverable there, and is then the only task that may be live.
   */
  completeContract: onContract,
  /** Stops its live tasks first. */
  deleteContract: onContract,

  listFiles: { params: byId, query: empty, body: empty, reply: z.strictObject({ files: z.array(ContractFile) }) },
  createFile: {
    params: byId,
    query: empty,
    /** `phase` absent: the present one. `title` absent: the name. */
    body: z.strictObject({
      name: FileName,
      title: line(200).optional(),
      phase: Phase.optional(),
      content: FileContent,
    }),
    reply: z.strictObject({ file: ContractFile }),
  },
  getFile: {
    params: fileOf,
    /** `version` absent: the latest. */
    query: z.strictObject({ version: z.coerce.number().int().min(1).optional() }),
    body: empty,
    /** `version` is that of the content. */
    reply: z.strictObject({ file: ContractFile, version: z.int(), content: z.string() }),
  },
  updateFile: {
    params: fileOf,
    query: empty,
    body: z.strictObject({ content: FileContent, title: line(200).optional() }),
    reply: z.strictObject({ file: ContractFile }),
  },
  listReports: {
    params: byId,
    query: page,
    body: empty,
    reply: z.strictObject({ reports: z.array(Report), next }),
  },
  createReport: {
    params: byId,
    query: empty,
    body: z.strictObject({ text: text(10_000) }),
    reply: z.strictObject({ report: Report }),
  },

  createTask: { params: byId, query: empty, body: CreateTask, reply: changedTask },
  listTasks: {
    params: empty,
    /** `live=true`: only those that have not ended. */
    query: page.extend({ live: yesOrNo, contract: Id.optional() }),
    body: empty,
    reply: z.strictObject({ tasks: z.array(Task), next, cursor: z.int() }),
  },
  getTask: { params: byId, query: empty, body: empty, reply: TaskDetail },
  /** What it waits for and what it asks of a daemon can be changed while it is pending. */
  updateTask: {
    params: byId,
    query: empty,
    body: z.strictObject({
      name: line(200).optional(),
      after: z.array(Id).max(100).optional(),
      labels: Labels.optional(),
    }),
    reply: changedTask,
  },
  stopTask: {
    params: byId,
    query: empty,
    body: z.strictObject({ reason: line(1000).default("Cancelled by a person") }),
    reply: changedTask,
  },
  pauseTask: { params: byId, query: empty, body: empty, reply: changedTask },
  /** A paused task goes on; a failed or cancelled one gets a new run. */
  resumeTask: {
    params: byId,
    query: empty,
    /** Limits to change, for a new run; the others stay as they were. */
    body: z.strictObject({
      limits: LoopLimits.partial().default({}),
      /** What its agent is told with it. A completed task needs it: what is still to be done. */
      message: text(100_000).optional(),
    }),
    reply: changedTask,
  },
  /** Interrupts the agent; its session goes on with the text. A pending task's agent hears it first of all. */
  messageTask: { params: byId, query: empty, body: z.strictObject({ text: text(100_000) }), reply: changedTask },
  listCheckpoints: {
    params: byId,
    query: empty,
    body: empty,
    reply: z.strictObject({ checkpoints: z.array(Checkpoint) }),
  },
  listRuns: { params: byId, query: empty, body: empty, reply: z.strictObject({ runs: z.array(Run) }) },

  listStreams: { params: byId, query: empty, body: empty, reply: z.strictObject({ streams: z.array(StreamInfo) }) },
  /** The bytes of one stream from an offset on; with `follow` until it is complete. */
  readStream: {
    params: byId,
    query: z.strictObject({
      stream: z.string().max(200).default("events"),
      from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
      follow: yesOrNo,
    }),
    body: empty,
    reply: z.string(),
  },
  /** The change feed in pages: the next one is from `cursor`, which is `latest` at the present end. */
  listChanges: {
    params: empty,
    query: z.strictObject({
      from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
      limit: z.coerce.number().int().min(1).max(MAX_CHANGES).default(100),
    }),
    body: empty,
    reply: z.strictObject({ changes: z.array(Change), cursor: z.int(), latest: z.int() }),
  },

  /** `cursor`: change feed position from which its end can be followed. */
  startOperation: {
    params: empty,
    query: empty,
    body: OperationRequest,
    reply: z.strictObject({ operation: Operation, cursor: z.int() }),
  },
  listOperations: {
    params: empty,
    query: page.extend({ contract: Id.optional() }),
    body: empty,
    reply: z.strictObject({ operations: z.array(Operation), next }),
  },
  getOperation: { params: byId, query: empty, body: empty, reply: z.strictObject({ operation: Operation }) },

  listDaemons: { params: empty, query: empty, body: empty, reply: z.strictObject({ daemons: z.array(Daemon) }) },
  /** One that is offline and holds no live run; if it comes back, it is a new one. */
  removeDaemon: { params: byId, query: empty, body: empty, reply: z.strictObject({ daemon: Daemon }) },

  createKey: {
    params: empty,
    query: empty,
    body: z.strictObject({ kind: z.enum(["user", "daemon"]), name: line(200) }),
    /** `token` is shown this once: only its hash is kept. */
    reply: z.strictObject({ key: Key, token: z.string() }),
  },
  listKeys: {
    params: empty,
    /** `all=true`: also revoked ones and those of tasks. */
    query: page.extend({ all: yesOrNo }),
    body: empty,
    reply: z.strictObject({ keys: z.array(Key), next }),
  },
  createLogin: {
    params: empty,
    query: empty,
    body: empty,
    /** `code` is shown this once. `publicUrl`: where browsers reach the server, if that is configured. */
    reply: z.strictObject({ code: z.string(), expiresAt: Time, publicUrl: z.string().nullable() }),
  },
  revokeKey: { params: byId, query: empty, body: empty, reply: z.strictObject({ key: Key }) },

  askQuestion: {
    params: byId,
    query: empty,
    body: z.strictObject({ text: text(10_000), choices: z.array(line(500)).max(20).default([]) }),
    reply: z.strictObject({ question: Question }),
  },
  listQuestions: {
    params: empty,
    query: page.extend({ open: yesOrNo, contract: Id.optional() }),
    body: empty,
    reply: z.strictObject({ questions: z.array(Question), next }),
  },
  getQuestion: onQuestion,
  answerQuestion: { ...onQuestion, body: z.strictObject({ answer: text(10_000) }) },
  withdrawQuestion: onQuestion,

  listNotifications: {
    params: empty,
    /** Dismissed ones never come back here; `unread=true`: only those that nobody has read. */
    query: page.extend({ unread: yesOrNo, kind: NotificationKind.optional() }),
    body: empty,
    reply: z.strictObject({ notifications: z.array(Notification), next }),
  },
  readNotification: onNotification,
  dismissNotification: onNotification,
  /** All that there are now, at once. */
  markNotifications: {
    params: empty,
    query: empty,
    body: z.strictObject({ as: z.enum(["read", "dismissed"]) }),
    reply: z.strictObject({ marked: z.int() }),
  },
  listDeliveries: {
    params: byId,
    query: empty,
    body: empty,
    reply: z.strictObject({ deliveries: z.array(Delivery) }),
  },
} as const satisfies Record<RouteName, RouteSchemas>;

interface RouteSchemas {
  params: z.ZodType;
  query: z.ZodType;
  body: z.ZodType;
  reply: z.ZodType;
}

/** What a caller passes to a route, path parameters, query and body side by side; what a handler gets is Parsed<R>. */
export type Fields<R extends RouteName> = Part<z.input<(typeof SCHEMAS)[R]["params"]>> &
  Part<z.input<(typeof SCHEMAS)[R]["query"]>> &
  Part<z.input<(typeof SCHEMAS)[R]["body"]>>;

/** An empty strict object is Record<string, never>, which no other part could be joined to. */
type Part<T> = string extends keyof T ? unknown : T;

export interface Parsed<R extends RouteName> {
  params: z.output<(typeof SCHEMAS)[R]["params"]>;
  query: z.output<(typeof SCHEMAS)[R]["query"]>;
  body: z.output<(typeof SCHEMAS)[R]["body"]>;
}

export type Reply<R extends RouteName> = z.output<(typeof SCHEMAS)[R]["reply"]>;
