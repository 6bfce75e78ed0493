import { z } from "zod";
import {
  Contract,
  Daemon,
  Delivery,
  Id,
  Key,
  Notification,
  NotificationKind,
  Question,
  Run,
  StreamInfo,
  Task,
  TaskDetail,
  Time,
} from "./entities.ts";
import { Labels } from "./labels.ts";
import { MAX_GOAL } from "./routes.ts";
import type { RouteName } from "./routes.ts";
import { LoopLimits } from "./run-spec.ts";
import { Change, MAX_CHANGES } from "./subscriptions.ts";
import { line, text } from "./text.ts";

export type {
  Contract,
  Daemon,
  Delivery,
  Iteration,
  Key,
  Notification,
  NotificationKind,
  Question,
  Run,
  Task,
  TaskDetail,
  TaskStatus,
} from "./entities.ts";

const Settings = z.strictObject({ autonomousLoop: z.boolean(), limits: LoopLimits });

/** What a task needs besides its name and goal; a contract keeps them as the defaults of its tasks. */
const work = {
  repository: line(4096),
  /** Full commit id; the caller resolves names, so that "HEAD at that moment" means the caller's moment. */
  base: z.string().regex(/^[0-9a-f]{40,64}$/),
  agent: line(100).default("claude"),
  checks: z.array(text(10_000)).max(100).default([]),
  labels: Labels.default({}),
  settings: Settings,
};

export const TaskDefaults = z.strictObject(work);
export type TaskDefaults = z.output<typeof TaskDefaults>;

/** A new contract and its first task. */
export const CreateContract = z.strictObject({
  name: line(200),
  goal: text(MAX_GOAL),
  type: z.enum(["simple"]).default("simple"),
  includeChanges: z.boolean().default(false),
  ...work,
});
export type CreateContract = z.input<typeof CreateContract>;

/** A further task of a contract; what is absent is as the contract has it. */
export const CreateTask = z.strictObject({
  name: line(200),
  goal: text(MAX_GOAL),
  after: z.array(Id).max(100).default([]),
  repository: work.repository.optional(),
  base: work.base.optional(),
  agent: line(100).optional(),
  checks: z.array(text(10_000)).max(100).optional(),
  labels: Labels.optional(),
  settings: Settings.optional(),
});
export type CreateTask = z.input<typeof CreateTask>;

const empty = z.strictObject({});
const byId = z.strictObject({ id: Id });
const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** `next` of the page before. */
  cursor: z.string().max(200).optional(),
});
const next = z.string().nullable();
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
  updateContract: { ...onContract, body: z.strictObject({ name: line(200).optional() }) },
  /** Its running tasks are paused, its pending ones stay pending. */
  pauseContract: onContract,
  resumeContract: onContract,
  /** By a person's decision; refused while tasks are live. */
  completeContract: onContract,
  /** Stops its live tasks first. */
  deleteContract: onContract,

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
    body: z.strictObject({ limits: LoopLimits.partial().default({}) }),
    reply: changedTask,
  },
  /** Interrupts the agent; its session goes on with the text. */
  messageTask: { params: byId, query: empty, body: z.strictObject({ text: text(100_000) }), reply: changedTask },
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
  /** The change feed in pages; `latest` is its present end. */
  listChanges: {
    params: empty,
    query: z.strictObject({
      from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
      limit: z.coerce.number().int().min(1).max(MAX_CHANGES).default(100),
    }),
    body: empty,
    reply: z.strictObject({ changes: z.array(Change), latest: z.int() }),
  },

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
