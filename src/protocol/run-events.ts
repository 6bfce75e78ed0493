import { z } from "zod";
import { MAX_FRAME_DATA } from "./streams.ts";

/**
 * One line of a run's `events` stream. The stream is the run's journal: the daemon rebuilds its loop state from it after
 * a crash, and the server derives its rows from it, so a line says what happened and never how it should be shown.
 */
const at = z.int();
const iteration = z.int().min(1);

export const GateReport = z.strictObject({
  ready: z.boolean(),
  reason: z.string().nullable(),
  progress: z.string().nullable(),
  blockers: z.array(z.string()),
  extra: z.record(z.string(), z.unknown()),
});

export const TamperingReport = z.strictObject({
  kind: z.enum([
    "test-deleted",
    "test-emptied",
    "test-skipped",
    "test-script-changed",
    "runner-config-changed",
    "check-config-changed",
    "check-moved-head",
    "check-changed-files",
    "no-tests-ran",
  ]),
  path: z.string().nullable(),
  detail: z.string(),
});
export type TamperingReport = z.infer<typeof TamperingReport>;

const TestCountsReport = z.strictObject({
  runner: z.string(),
  total: z.int(),
  passed: z.int().nullable(),
  failed: z.int().nullable(),
  skipped: z.int().nullable(),
});

/** The outcome of one check command; `baseline` is its outcome on the untouched base, null when that was not taken. */
export const CheckReport = z.strictObject({
  name: z.string(),
  command: z.string(),
  /** SHA-256 of the command, hex: shows that what ran is what was pinned. */
  commandHash: z.string(),
  passed: z.boolean(),
  /** null: ended by a signal or the time limit. */
  exitCode: z.int().nullable(),
  timedOut: z.boolean(),
  durationMs: z.int(),
  tests: TestCountsReport.nullable(),
  /** Stream that holds its output. */
  stream: z.string(),
  baseline: z.boolean().nullable(),
  /** Why it counts as failed when its exit code does not say so. */
  failure: z.string().nullable(),
  /** What the check itself did to the checkout, or did not do: see TamperingReport. */
  flags: z.array(TamperingReport),
});
export type CheckReport = z.infer<typeof CheckReport>;

export const Verification = z.enum(["verified", "regression-only", "unverified"]);
export type Verification = z.infer<typeof Verification>;

export const VerdictKind = z.enum(["done", "continue", "wait", "stop"]);
export type VerdictKind = z.infer<typeof VerdictKind>;

/**
 * `person`: somebody's words, for which the agent is interrupted. `event`: something that concerns it has happened; it
 * hears of it with its next prompt. `nudge`: a supervisor that waits is told that nothing is left to wait for.
 */
export const MessageKind = z.enum(["person", "event", "nudge"]);
export type MessageKind = z.infer<typeof MessageKind>;

const RunOutcome = z.enum(["completed", "failed", "cancelled"]);

export const DiffStat = z.strictObject({ files: z.int(), insertions: z.int(), deletions: z.int(), text: z.string() });
export type DiffStat = z.infer<typeof DiffStat>;

export const RunEvent = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("started"),
    at,
    host: z.string(),
    pid: z.int(),
    /** What agent and checks run in; null, or absent in a journal of an earlier version: nothing. */
    sandbox: z.literal("bubblewrap").nullable().optional(),
  }),
  /** The checkout is ready; `excluded` counts the files of a dirty repository that were left out. */
  z.strictObject({
    type: z.literal("checkout"),
    at,
    worktree: z.string(),
    /** The commit that the task starts from. */
    base: z.string(),
    head: z.string(),
    tree: z.string(),
    excluded: z.int(),
    /** Pinned: what the agent edits later changes nothing of them. `timeoutMs` null: the loop's limit. */
    checks: z.array(z.strictObject({ name: z.string(), command: z.string(), timeoutMs: z.int().nullable() })),
  }),
  z.strictObject({ type: z.literal("baseline"), at, checks: z.array(CheckReport) }),
  z.strictObject({
    type: z.literal("iteration-started"),
    at,
    index: iteration,
    sessionId: z.string().nullable(),
    resumed: z.boolean(),
    /** State of the checkout before the agent starts: what "changed" is measured against. */
    tree: z.string(),
    head: z.string(),
    prompt: z.string(),
  }),
  z.strictObject({ type: z.literal("gate"), at, index: iteration, gate: GateReport.nullable() }),
  z.strictObject({ type: z.literal("check"), at, index: iteration, check: CheckReport }),
  z.strictObject({ type: z.literal("checkpoint"), at, index: iteration, ref: z.string(), commit: z.string() }),
  /** The receipt: what was believed, on which tree, and where the proof is logged. */
  z.strictObject({
    type: z.literal("verified"),
    at,
    index: iteration,
    verification: Verification,
    tree: z.string(),
    head: z.string(),
    checks: z.array(CheckReport),
  }),
  z.strictObject({
    type: z.literal("verdict"),
    at,
    index: iteration,
    verdict: VerdictKind,
    reason: z.string(),
    /** Session to continue with; null when it is unknown or its context is lost. */
    sessionId: z.string().nullable(),
    gate: GateReport.nullable(),
    changed: z.boolean(),
    error: z.string().nullable(),
    /** True when a usage limit ended the iteration: it counts neither as an iteration nor as an error. */
    uncounted: z.boolean(),
    /** A ready gate that makima did not believe. */
    refused: z.boolean(),
    /** Of a stop: code of the error table where a person can mend the cause; "interrupted" when it was cancelled. */
    errorCode: z.string().nullable(),
    /** State of the checkout after the iteration and its checks. */
    tree: z.string(),
    head: z.string(),
    /** Cost of this iteration in US dollars, as the agent reports it. */
    costUsd: z.number(),
    durationMs: z.int(),
    tampering: z.array(TamperingReport),
    /** Serialised breaker after this iteration. */
    breaker: z.record(z.string(), z.unknown()),
    nextPrompt: z.string().nullable(),
    model: z.string().nullable(),
  }),
  /**
   * The run sleeps until `until` (epoch ms) for a usage limit or a backoff after an error. A supervisor's sleeps until
   * something happens in its contract (`wake-up`, `until` null): the next message wakes it.
   */
  z.strictObject({
    type: z.literal("waiting"),
    at,
    kind: z.enum(["usage-limit", "backoff", "wake-up"]),
    until: z.int().nullable(),
    reason: z.string(),
  }),
  /** No agent runs until a person resumes the task. */
  z.strictObject({ type: z.literal("paused"), at }),
  z.strictObject({ type: z.literal("resumed"), at }),
  /** What was said to the agent is part of the prompt of iteration `index`; `id` names the message. */
  z.strictObject({
    type: z.literal("message"),
    at,
    index: iteration,
    id: z.string(),
    kind: MessageKind,
    text: z.string(),
  }),
  z.strictObject({ type: z.literal("notice"), at, message: z.string() }),
  z.strictObject({
    type: z.literal("finished"),
    at,
    outcome: RunOutcome,
    reason: z.string(),
    /** Code of the error table when the run failed for a cause that a person can mend. */
    errorCode: z.string().nullable(),
    hint: z.string().nullable(),
    verification: Verification,
    head: z.string().nullable(),
    diffStat: DiffStat.nullable(),
    /** null when nothing was left behind. */
    worktree: z.string().nullable(),
    /** Whether the task's branch exists. */
    branchKept: z.boolean(),
  }),
]);
export type RunEvent = z.infer<typeof RunEvent>;
export type RunEventOf<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>;

/** An event line must fit one frame, or the link could never deliver it whole. */
export const MAX_EVENT_BYTES = MAX_FRAME_DATA;

/** One event as a line of the journal, newline included. */
export function encodeEvent(event: RunEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/** Parses one journal line; throws on anything that is not a known event. */
export function decodeEvent(line: string): RunEvent {
  return RunEvent.parse(JSON.parse(line));
}
