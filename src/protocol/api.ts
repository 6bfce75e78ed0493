import { z } from "zod";
import { MAX_GOAL } from "./routes.ts";
import type { RouteName } from "./routes.ts";
import { CheckReport, DiffStat, GateReport, TamperingReport, Verification, VerdictKind } from "./run-events.ts";
import { LoopLimits } from "./run-spec.ts";

const id = z.string().min(1).max(100);
const time = z.int();

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

const ContractStatus = z.enum(["active", "paused", "completed", "deleted"]);

const ContractSettings = z.strictObject({ autonomousLoop: z.boolean(), limits: LoopLimits });

/** A new contract and its first task. */
export const CreateContract = z.strictObject({
  name: z.string().min(1).max(200),
  goal: z.string().min(1).max(MAX_GOAL),
  type: z.enum(["simple"]).default("simple"),
  repository: z.string().min(1).max(4096),
  /** Full commit id; the caller resolves names, so that "HEAD at that moment" means the caller's moment. */
  base: z.string().regex(/^[0-9a-f]{40,64}$/),
  includeChanges: z.boolean().default(false),
  agent: z.string().min(1).max(100).default("claude"),
  checks: z.array(z.string().min(1).max(10_000)).max(100).default([]),
  settings: ContractSettings,
});
export type CreateContract = z.input<typeof CreateContract>;

export const Contract = z.strictObject({
  id,
  name: z.string(),
  status: ContractStatus,
  type: z.string(),
  goal: z.string(),
  createdAt: time,
  updatedAt: time,
});
export type Contract = z.infer<typeof Contract>;

/** A task as lists show it. `reason` says why it ended or what it waits for. */
export const Task = z.strictObject({
  id,
  contractId: id,
  name: z.string(),
  status: TaskStatus,
  /** Its daemon is offline: a flag, not a state, because a lost link is not a death. */
  unreachable: z.boolean(),
  reason: z.string().nullable(),
  agent: z.string(),
  repository: z.string(),
  branch: z.string(),
  base: z.string(),
  head: z.string().nullable(),
  runId: z.string().nullable(),
  /** Counted iterations of the present run. */
  iterations: z.int(),
  costUsd: z.number(),
  /** Epoch ms at which a waiting task goes on. */
  waitUntil: time.nullable(),
  createdAt: time,
  updatedAt: time,
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
  startedAt: time,
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
});
export type TaskDetail = z.infer<typeof TaskDetail>;

const StreamInfo = z.strictObject({ stream: z.string(), size: z.int() });

export const Daemon = z.strictObject({
  id,
  name: z.string(),
  host: z.string(),
  online: z.boolean(),
  maxTasks: z.int(),
  running: z.int(),
  lastSeenAt: time,
});
export type Daemon = z.infer<typeof Daemon>;

const empty = z.strictObject({});
const byId = z.strictObject({ id });
const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  /** `next` of the page before. */
  cursor: z.string().max(200).optional(),
});

/** Ids in paths may be shortened to any unambiguous prefix. */
export const SCHEMAS = {
  health: { params: empty, query: empty, body: empty, reply: z.strictObject({ ok: z.literal(true) }) },
  ready: { params: empty, query: empty, body: empty, reply: z.strictObject({ ok: z.boolean() }) },
  serverInfo: {
    params: empty,
    query: empty,
    body: empty,
    reply: z.strictObject({ version: z.string(), pid: z.int(), startedAt: time, liveTasks: z.int() }),
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
    /** `cursor`: change feed position from which everything about the new task can be followed. */
    reply: z.strictObject({ contract: Contract, task: Task, cursor: z.int() }),
  },
  listContracts: {
    params: empty,
    query: page,
    body: empty,
    reply: z.strictObject({ contracts: z.array(Contract), next: z.string().nullable() }),
  },
  getContract: {
    params: byId,
    query: empty,
    body: empty,
    reply: z.strictObject({ contract: Contract, tasks: z.array(Task) }),
  },
  listTasks: {
    params: empty,
    /** `live=true`: only those that have not ended. */
    query: page.extend({ live: z.enum(["true", "false"]).default("false") }),
    body: empty,
    reply: z.strictObject({ tasks: z.array(Task), next: z.string().nullable() }),
  },
  getTask: { params: byId, query: empty, body: empty, reply: TaskDetail },
  stopTask: {
    params: byId,
    query: empty,
    body: z.strictObject({ reason: z.string().max(1000).default("Cancelled by a person") }),
    reply: z.strictObject({ task: Task, cursor: z.int() }),
  },
  resumeTask: {
    params: byId,
    query: empty,
    /** Limits to change; the others stay as they were. */
    body: z.strictObject({ limits: LoopLimits.partial().default({}) }),
    reply: z.strictObject({ task: Task, cursor: z.int() }),
  },
  listStreams: {
    params: byId,
    query: empty,
    body: empty,
    reply: z.strictObject({ streams: z.array(StreamInfo) }),
  },
  listDaemons: { params: empty, query: empty, body: empty, reply: z.strictObject({ daemons: z.array(Daemon) }) },
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
