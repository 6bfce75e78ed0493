import { z } from "zod";

/** Bounds and thresholds of the loop; times in milliseconds, money in US dollars. `null` means no limit. */
export const LoopLimits = z.strictObject({
  maxIterations: z.int().min(1).max(10_000),
  noChangeThreshold: z.int().min(1),
  sameErrorThreshold: z.int().min(1),
  permissionDenialThreshold: z.int().min(1),
  sameToolThreshold: z.int().min(1),
  budgetUsd: z.number().positive().nullable(),
  wallClockMs: z.int().positive().nullable(),
  idleTimeoutMs: z.int().positive(),
  iterationTimeoutMs: z.int().positive(),
  checkTimeoutMs: z.int().positive(),
  retryBackoffMs: z.int().min(0),
  waitForUsageLimit: z.boolean(),
  maxWaitMs: z.int().positive(),
  baseline: z.boolean(),
  onTampering: z.enum(["flag", "refuse"]),
});
export type LoopLimits = z.infer<typeof LoopLimits>;

/** Where a resumed run carries on: what the server had recorded of the task's earlier runs. */
export const ResumePoint = z.strictObject({
  /** The run that is continued: its session, checkout and breaker are taken over. */
  runId: z.string(),
  sessionId: z.string().nullable(),
  /** Serialised circuit breaker of the earlier run; it is half-opened. */
  breaker: z.record(z.string(), z.unknown()).nullable(),
  costUsd: z.number(),
});
export type ResumePoint = z.infer<typeof ResumePoint>;

/** What a supervising agent is told of its contract. */
export const Supervision = z.strictObject({
  type: z.string(),
  phase: z.string(),
  /** The phases of the contract's type, in order, with the files that each has to deliver. */
  phases: z.array(z.strictObject({ phase: z.string(), files: z.array(z.string()) })),
  goals: z.array(z.string()),
  integrationBranch: z.string(),
});
export type Supervision = z.infer<typeof Supervision>;

/** What the server asks of a daemon for one run; written once to spec.json and never changed. */
export const RunSpec = z.strictObject({
  runId: z.string(),
  fence: z.int().positive(),
  taskId: z.string(),
  taskName: z.string(),
  contractId: z.string(),
  contractName: z.string(),
  goal: z.string().min(1),
  /** Absolute path of the repository's top level on the daemon's machine. */
  repository: z.string(),
  /** Full commit id that the task's branch starts at. */
  base: z.string().regex(/^[0-9a-f]{40,64}$/),
  branch: z.string(),
  includeChanges: z.boolean(),
  agent: z.string(),
  autonomousLoop: z.boolean(),
  /** null: a task like any other; else it supervises its contract, and waits for what happens in it. */
  supervision: Supervision.nullable(),
  /** Check commands pinned by flags or contract; the daemon adds those of `.makima.toml` at the base. */
  checks: z.array(z.string().min(1)),
  limits: LoopLimits,
  /** Agent and checks run in a sandbox; false: only where the daemon is configured so. */
  bubblewrap: z.boolean(),
  taskToken: z.string(),
  resume: ResumePoint.nullable(),
});
export type RunSpec = z.infer<typeof RunSpec>;
