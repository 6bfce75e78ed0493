import { WAITS_FOR_TASKS } from "../../core/supervision.ts";
import type { CreateContract, OpenContract } from "../../protocol/api.ts";
import type { RunEvent, RunEventOf } from "../../protocol/run-events.ts";

export const contract: CreateContract & { checks: string[] } = {
  name: "Mend the parser",
  goal: "Make the tests pass",
  repository: "/srv/repository",
  base: "0123456789abcdef0123456789abcdef01234567",
  checks: ["npm test"],
  settings: {
    autonomousLoop: true,
    limits: {
      maxIterations: 10,
      noChangeThreshold: 3,
      sameErrorThreshold: 5,
      permissionDenialThreshold: 2,
      sameToolThreshold: 5,
      budgetUsd: null,
      wallClockMs: null,
      idleTimeoutMs: 900_000,
      iterationTimeoutMs: 7_200_000,
      checkTimeoutMs: 600_000,
      retryBackoffMs: 1_000,
      waitForUsageLimit: true,
      maxWaitMs: 21_600_000,
      baseline: true,
      onTampering: "flag",
    },
    bubblewrap: false,
  },
};

/** A contract that a person drives. */
export const opened: OpenContract = { ...contract, name: "Mend it all", goals: ["Every test passes"] };

export const started: RunEvent = { type: "started", at: 1, host: "box", pid: 1 };

export function iterationStarted(index: number): RunEvent {
  const fixed = { sessionId: "session", resumed: index > 1, tree: "t", head: "h", prompt: "go on" };
  return { type: "iteration-started", at: 2, index, ...fixed };
}

/** A supervisor's run has nothing to do until something happens in its contract. */
export const asleep: RunEventOf<"waiting"> = {
  type: "waiting",
  at: 3,
  kind: "wake-up",
  until: null,
  reason: WAITS_FOR_TASKS,
};

/** The message is part of an iteration's prompt. */
export function heard(index: number, message: Pick<RunEventOf<"message">, "id" | "kind" | "text">): RunEvent {
  return { type: "message", at: 2, index, ...message };
}

export function verdict(index: number, fields: Partial<RunEventOf<"verdict">> = {}): RunEvent {
  return {
    type: "verdict",
    at: 3,
    index,
    verdict: "continue",
    reason: "not ready",
    sessionId: "session",
    gate: null,
    changed: true,
    error: null,
    uncounted: false,
    refused: false,
    errorCode: null,
    tree: "t",
    head: `head-${index}`,
    costUsd: 0.5,
    durationMs: 10,
    tampering: [],
    breaker: { iteration: index },
    nextPrompt: null,
    model: null,
    ...fields,
  };
}

export function finished(fields: Partial<RunEventOf<"finished">> = {}): RunEvent {
  return {
    type: "finished",
    at: 4,
    outcome: "completed",
    reason: "the gate is ready and every check passes",
    errorCode: null,
    hint: null,
    verification: "verified",
    head: "abcdef",
    diffStat: { files: 1, insertions: 2, deletions: 3, text: "1 file changed" },
    worktree: "/worktrees/one",
    branchKept: true,
    ...fields,
  };
}
