import { z } from "zod";
import { Id, Time } from "./identifiers.ts";
import { CheckReport } from "./run-events.ts";
import { line, text } from "./text.ts";

/**
 * What a daemon does in a repository for somebody who waits for the result. Each kind has a request (what a caller asks),
 * an order (what the server makes of it for the daemon) and a result; their names are those of the link's commands.
 */
export const OPERATION_KINDS = [
  "GetDiff",
  "ReadFile",
  "ListBranches",
  "CreateBranch",
  "MergeBranch",
  "CreatePullRequest",
  "CreateCheckpoint",
  "RestoreCheckpoint",
  "ListWorktrees",
  "CleanWorktrees",
  "RestoreWorktree",
] as const;
export const OperationKind = z.enum(OPERATION_KINDS);
export type OperationKind = z.infer<typeof OperationKind>;

/** Most bytes of a file or a diff that an operation gives back: in base64 it fits one frame of the link. */
export const MAX_CONTENT = 512 * 1024;

/** The branch name rule of core/ids.ts is held by the server and the daemon alike. */
const branch = line(200);
const ref = line(300);
const message = text(10_000);

export const OperationRequest = z.discriminatedUnion("kind", [
  /** What the task has changed since its base; of a live task with what is uncommitted. `stat`: no text of the diff. */
  z.strictObject({ kind: z.literal("GetDiff"), task: Id, stat: z.boolean().default(false) }),
  /** A file as it is in the task's checkout, or at `ref`. `path` is relative to the repository's top level. */
  z.strictObject({ kind: z.literal("ReadFile"), task: Id, path: line(4096), ref: ref.optional() }),
  /** Those of the contract: its tasks' branches, its integration branch, and what was branched off in it. */
  z.strictObject({ kind: z.literal("ListBranches"), contract: Id }),
  /** `from`: branch, tag or commit; absent: the integration branch, or else the contract's base. */
  z.strictObject({ kind: z.literal("CreateBranch"), contract: Id, name: branch, from: ref.optional() }),
  /** `into`: absent, the contract's integration branch. `dryRun`: says what would happen, and moves nothing. */
  z.strictObject({
    kind: z.literal("MergeBranch"),
    task: Id,
    into: branch.optional(),
    squash: z.boolean().default(false),
    dryRun: z.boolean().default(false),
  }),
  /** Pushes one branch, the task's, or without a task the contract's integration branch, and opens a pull request for it. */
  z.strictObject({
    kind: z.literal("CreatePullRequest"),
    contract: Id.optional(),
    task: Id.optional(),
    title: line(300).optional(),
    body: text(60_000).optional(),
    draft: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal("CreateCheckpoint"), task: Id, message }),
  /** Only while no agent works in the checkout; its present state becomes a checkpoint first. */
  z.strictObject({ kind: z.literal("RestoreCheckpoint"), task: Id, checkpoint: line(100) }),
  /** The checkouts on a daemon's machine, with their sizes; `salvaged`: what was kept of removed ones, instead. */
  z.strictObject({ kind: z.literal("ListWorktrees"), daemon: Id, salvaged: z.boolean().default(false) }),
  /**
   * Removes checkouts that nobody works in, each after what only it has was salvaged. `tasks`: of these only, also where
   * the task could be resumed; empty: all whose task is over or unknown.
   */
  z.strictObject({
    kind: z.literal("CleanWorktrees"),
    daemon: Id,
    tasks: z.array(Id).max(1000).default([]),
    dryRun: z.boolean().default(false),
  }),
  /** Makes a branch of salvaged work. `branch`: absent, one that is named after the task. */
  z.strictObject({ kind: z.literal("RestoreWorktree"), daemon: Id, ref, branch: branch.optional() }),
]);
export type OperationRequest = z.output<typeof OperationRequest>;

/** Where a task's work lies on its daemon's machine. */
export const Place = z.strictObject({
  taskId: z.string(),
  repository: z.string(),
  /** The commit that the task started from. */
  base: z.string(),
  branch: z.string(),
  /** The task's checks run in a sandbox; false: only where the daemon is configured so. */
  bubblewrap: z.boolean(),
});
export type Place = z.infer<typeof Place>;

/** A check that a merged tree must pass. */
const MergeCheck = z.strictObject({ name: z.string(), command: z.string(), timeoutMs: z.int().positive() });

const order = {
  GetDiff: z.strictObject({ kind: z.literal("GetDiff"), place: Place, stat: z.boolean() }),
  ReadFile: z.strictObject({ kind: z.literal("ReadFile"), place: Place, path: z.string(), ref: z.string().nullable() }),
  ListBranches: z.strictObject({
    kind: z.literal("ListBranches"),
    repository: z.string(),
    /** Branches whose names begin so. */
    prefix: z.string(),
  }),
  CreateBranch: z.strictObject({
    kind: z.literal("CreateBranch"),
    repository: z.string(),
    name: z.string(),
    /** The first of these that exists. */
    from: z.array(z.string()).min(1),
  }),
  MergeBranch: z.strictObject({
    kind: z.literal("MergeBranch"),
    place: Place,
    into: z.string(),
    /** Where `into` starts when it does not exist. null: then it must. */
    start: z.string().nullable(),
    squash: z.boolean(),
    dryRun: z.boolean(),
    message: z.string(),
    /** Run on the merged tree before `into` is moved. */
    checks: z.array(MergeCheck),
    /** Trees that have passed exactly these checks already: a merged tree that is one of them is not checked again. */
    verifiedTrees: z.array(z.string()),
  }),
  CreatePullRequest: z.strictObject({
    kind: z.literal("CreatePullRequest"),
    repository: z.string(),
    branch: z.string(),
    /** Branch that the pull request is to be merged into; null: the remote's default. */
    into: z.string().nullable(),
    title: z.string(),
    body: z.string(),
    draft: z.boolean(),
  }),
  CreateCheckpoint: z.strictObject({
    kind: z.literal("CreateCheckpoint"),
    place: Place,
    /** Last part of its ref. */
    name: z.string(),
    message: z.string(),
  }),
  RestoreCheckpoint: z.strictObject({
    kind: z.literal("RestoreCheckpoint"),
    place: Place,
    commit: z.string(),
    /** Name of the checkpoint that keeps the present state. */
    save: z.string(),
  }),
  ListWorktrees: z.strictObject({
    kind: z.literal("ListWorktrees"),
    salvaged: z.boolean(),
    /** Tasks of the daemon's checkouts that may still be worked on. */
    wanted: z.array(z.string()),
  }),
  CleanWorktrees: z.strictObject({
    kind: z.literal("CleanWorktrees"),
    /** null: every one but those of `wanted`. */
    tasks: z.array(z.string()).nullable(),
    wanted: z.array(z.string()),
    dryRun: z.boolean(),
  }),
  RestoreWorktree: z.strictObject({
    kind: z.literal("RestoreWorktree"),
    ref: z.string(),
    branch: z.string().nullable(),
  }),
} as const satisfies Record<OperationKind, z.ZodType>;

export const OperationOrder = z.discriminatedUnion("kind", [
  order.GetDiff,
  order.ReadFile,
  order.ListBranches,
  order.CreateBranch,
  order.MergeBranch,
  order.CreatePullRequest,
  order.CreateCheckpoint,
  order.RestoreCheckpoint,
  order.ListWorktrees,
  order.CleanWorktrees,
  order.RestoreWorktree,
]);
export type OperationOrder = z.infer<typeof OperationOrder>;
export type OrderOf<K extends OperationKind> = Extract<OperationOrder, { kind: K }>;

const ChangedFile = z.strictObject({
  path: z.string(),
  status: z.enum(["added", "modified", "deleted", "renamed", "type-changed"]),
  /** null: a binary file. */
  insertions: z.int().nullable(),
  deletions: z.int().nullable(),
});

const Conflict = z.strictObject({
  path: z.string(),
  /** git's word: `contents`, `modify/delete`, `add/add`, `rename/delete`, ... */
  kind: z.string(),
});
export type Conflict = z.infer<typeof Conflict>;

const KeptCheckpoint = z.strictObject({ name: line(100), ref, commit: line(100) });

/** A directory among a daemon's checkouts. */
const Worktree = z.strictObject({
  /** Absolute path on the daemon's machine. */
  dir: z.string(),
  /** null: makima did not make it, and leaves it alone. */
  taskId: z.string().nullable(),
  repository: z.string().nullable(),
  branch: z.string().nullable(),
  kind: z.enum(["worktree", "clone", "unknown"]),
  /**
   * `in-use`: a run is at work; `kept`: its task may be resumed; `unwanted`: its task is over or unknown to the server;
   * `unfinished`: half made or half removed; `unknown`: not makima's.
   */
  state: z.enum(["in-use", "kept", "unwanted", "unfinished", "unknown"]),
  /** Why it is still there although it was to be removed; null: nobody has tried, as far as the daemon knows. */
  reason: z.string().nullable(),
  bytes: z.int(),
  changedAt: Time,
});
export type Worktree = z.infer<typeof Worktree>;

/** Work that was in no branch when its checkout was removed. */
const Salvaged = z.strictObject({
  ref: z.string(),
  taskId: z.string(),
  /** Absolute path of the git directory that the ref is in. */
  repository: z.string(),
  commit: z.string(),
  subject: z.string(),
  at: Time,
});
export type Salvaged = z.infer<typeof Salvaged>;

/** What each kind comes to. Content is base64; what does not fit MAX_CONTENT is cut, and `truncated` says so. */
export const OPERATION_RESULTS = {
  GetDiff: z.strictObject({
    base: z.string(),
    /** The commit that was compared, or of a live task the tree. */
    head: z.string(),
    files: z.array(ChangedFile),
    insertions: z.int(),
    deletions: z.int(),
    /** null when only the statistics were asked for. */
    diff: z.string().nullable(),
    truncated: z.boolean(),
  }),
  ReadFile: z.strictObject({ path: z.string(), content: z.string(), size: z.int(), truncated: z.boolean() }),
  ListBranches: z.strictObject({
    branches: z.array(z.strictObject({ name: z.string(), commit: z.string(), subject: z.string(), at: Time })),
  }),
  CreateBranch: z.strictObject({ name: z.string(), commit: z.string() }),
  MergeBranch: z.strictObject({
    /** `clean`: a dry run without conflicts. `up-to-date`: there was nothing to merge. */
    outcome: z.enum(["merged", "up-to-date", "clean", "conflict", "checks-failed"]),
    into: z.string(),
    /** Tip of `into` afterwards; null where nothing was moved and it does not exist. */
    commit: z.string().nullable(),
    /** The merged tree; null for a conflict. */
    tree: z.string().nullable(),
    conflicts: z.array(Conflict),
    checks: z.array(CheckReport),
    /** End of the output of the checks that failed. */
    output: z.string(),
  }),
  CreatePullRequest: z.strictObject({
    remote: z.string(),
    branch: z.string(),
    /** null: pushed only; `next` says how to open it. */
    url: z.string().nullable(),
    next: z.string().nullable(),
  }),
  CreateCheckpoint: KeptCheckpoint,
  RestoreCheckpoint: z.strictObject({
    commit: line(100),
    /** The checkpoint of what was there before; null when nothing had to change. */
    saved: KeptCheckpoint.nullable(),
  }),
  ListWorktrees: z.strictObject({
    /** Directory that the daemon's checkouts are in. */
    root: z.string(),
    bytes: z.int(),
    quota: z.int().nullable(),
    worktrees: z.array(Worktree),
    salvaged: z.array(Salvaged),
    /** Whether there were more than fit the answer. */
    truncated: z.boolean(),
  }),
  CleanWorktrees: z.strictObject({
    /** Removed, or with `dryRun` those that would be. */
    removed: z.array(
      z.strictObject({ dir: z.string(), taskId: z.string(), bytes: z.int(), salvage: z.string().nullable() }),
    ),
    /** Of those asked for, what was left and why. */
    kept: z.array(z.strictObject({ dir: z.string(), taskId: z.string().nullable(), reason: z.string() })),
    bytes: z.int(),
    truncated: z.boolean(),
  }),
  RestoreWorktree: z.strictObject({ ref: z.string(), repository: z.string(), branch: z.string(), commit: z.string() }),
} as const satisfies Record<OperationKind, z.ZodType>;
export type OperationResult<K extends OperationKind> = z.infer<(typeof OPERATION_RESULTS)[K]>;

/** Kinds that only look: done again, they cost nothing but time. */
export const READING: ReadonlySet<OperationKind> = new Set(["GetDiff", "ReadFile", "ListBranches", "ListWorktrees"]);

export const Operation = z.strictObject({
  id: Id,
  kind: OperationKind,
  status: z.enum(["queued", "running", "done", "failed"]),
  /** null: it is about the daemon itself. */
  contractId: Id.nullable(),
  taskId: Id.nullable(),
  daemonId: z.string(),
  /** Who wants it: the merge queue acts by itself. */
  origin: z.enum(["person", "agent", "queue"]),
  /** As OPERATION_RESULTS has it for the kind; null until it is done, and in lists and in the change feed. */
  result: z.record(z.string(), z.unknown()).nullable(),
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string() }).nullable(),
  createdAt: Time,
  endedAt: Time.nullable(),
});
export type Operation = z.infer<typeof Operation>;
