import type { CircuitState } from "./circuit-breaker.ts";
import type { Gate } from "./completion-gate.ts";
import type { ErrorCode } from "./errors.ts";
import { WAITS_FOR_TASKS } from "./supervision.ts";
import type { TamperingFlag } from "./tampering.ts";
import type { UsageLimit } from "./usage-limit.ts";

/** Why a person has an agent stopped in mid-turn, after which the run goes on. */
export type InterruptedBy = "pause" | "message";

/** What is known of an agent process that has ended. */
export interface IterationFacts {
  cancelled: boolean;
  /** What makima asked it to stop for in mid-turn; it may have come to its end by itself all the same. */
  interrupted: InterruptedBy | null;
  usageLimit: UsageLimit | null;
  /** The limit for which makima ended the process; `after-result`: it hung although its work was done. */
  expiry: "idle" | "wall" | "after-result" | null;
  exit: { kind: "exited"; code: number } | { kind: "signaled"; signal: string } | { kind: "lost" };
  /** What the agent reported at its end, null when it did not. */
  result: { isError: boolean; text: string } | null;
  /** Whether an agent of this kind reports a result at all; if not, its exit is all there is. */
  reportsResult: boolean;
  /** The agent's own word on what went wrong; `code` as in Claude Code's messages. */
  error: { code: string; text: string } | null;
  /** End of its stderr: says why when nothing else does. */
  errorOutput: string;
  /** The result came from another session than the one that was to be continued. */
  contextLost: boolean;
  /** The last gate in the main agent's own text. */
  gate: Gate | null;
}

export type AgentErrorCause =
  | "not-logged-in"
  | "lost"
  | "signal"
  | "exit"
  | "result-error"
  | "no-result"
  | "context-lost";

/** How an iteration ended: exactly one of these, the first that applies in this order. */
export type IterationEnd =
  | { kind: "cancelled" }
  | { kind: "usage-limit"; limit: UsageLimit }
  | { kind: "interrupted"; by: InterruptedBy }
  | { kind: "timeout"; which: "idle" | "wall"; message: string }
  | { kind: "agent-error"; cause: AgentErrorCause; message: string }
  | { kind: "gate"; gate: Gate }
  | { kind: "no-gate" };

export function classify(facts: IterationFacts): IterationEnd {
  if (facts.cancelled) return { kind: "cancelled" };
  if (facts.usageLimit !== null) return { kind: "usage-limit", limit: facts.usageLimit };
  if (facts.expiry === "idle") return { kind: "timeout", which: "idle", message: "The agent was silent for too long" };
  if (facts.expiry === "wall") return { kind: "timeout", which: "wall", message: "The agent took too long" };
  const cause = agentErrorCause(facts);
  if (facts.interrupted !== null && !endedByItself(facts, cause)) return { kind: "interrupted", by: facts.interrupted };
  if (cause !== null) return { kind: "agent-error", cause, message: errorMessage(facts, cause) };
  return facts.gate === null ? { kind: "no-gate" } : { kind: "gate", gate: facts.gate };
}

/** Settings of the loop that decide. */
export interface LoopPolicy {
  autonomousLoop: boolean;
  /** The agent supervises the tasks of others: as long as it is not ready, it waits for them. */
  supervises: boolean;
  onTampering: "flag" | "refuse";
  waitForUsageLimit: boolean;
  /** Longest wait for a usage limit, milliseconds. */
  maxWaitMs: number;
}

/** What a check came to; `failure` says why where the exit code does not. */
export interface CheckOutcome {
  name: string;
  passed: boolean;
  exitCode: number | null;
  failure: string | null;
  /** End of its output. */
  tail: string;
}

/** The agent's claim is to be checked: it is ready, or it ends the only iteration without saying anything. */
export function wantsChecks(end: IterationEnd, policy: LoopPolicy): boolean {
  return isReady(end) || (end.kind === "no-gate" && !loops(policy));
}

/** Whether the breaker counts this end: what a person or a spent account cut short is neither an iteration nor an error. */
export function countsAsIteration(end: IterationEnd): boolean {
  return end.kind !== "cancelled" && end.kind !== "usage-limit" && end.kind !== "interrupted";
}

export interface Judgement {
  end: IterationEnd;
  /** Outcomes of the checks that ran after the iteration; empty where none did. */
  checks: readonly CheckOutcome[];
  tampering: readonly TamperingFlag[];
  policy: LoopPolicy;
}

/** What the iteration failed with, as the breaker compares it; null when it did not fail. */
export function iterationError({ end, checks, tampering, policy }: Judgement): string | null {
  if (end.kind === "timeout" || end.kind === "agent-error") return end.message;
  const failed = checks.filter((check) => !check.passed);
  if (failed.length > 0) return failed.map(checkError).join("\n");
  if (!isReady(end)) return null;
  const refused = refusedFlags(tampering, policy);
  return refused.length === 0 ? null : `Tampering refused: ${refused.map(describeFlag).join("; ")}`;
}

/** `refused`: the agent claimed to be ready and was not believed. */
export type Verdict =
  | { verdict: "done"; reason: string; refused: false }
  /** `backoff`: the agent itself failed, so the next one starts after `retryDelay`. */
  | { verdict: "continue"; reason: string; refused: boolean; backoff: boolean }
  | { verdict: "wait"; kind: "usage-limit"; reason: string; refused: false; limit: UsageLimit }
  /** Until something happens that the agent is told of. */
  | { verdict: "wait"; kind: "wake-up"; reason: string; refused: false }
  | { verdict: "stop"; reason: string; refused: boolean; outcome: "failed" | "cancelled"; errorCode: ErrorCode | null };

interface Situation {
  breaker: { state: CircuitState; reason: string | null; remainingMs: number | null };
  /** What the agent has not heard yet: words of a person, or only news of what has happened. */
  unheard: "words" | "news" | null;
  now: number;
}

/**
 * What makima does after an iteration that the breaker has heard of. A believed claim ends the run even when the same
 * iteration opened the breaker, but not before the agent has heard what people say to it. Without the autonomous loop
 * there is one iteration: it is done when its claim is believed, and also when the agent ended well without any gate
 * (nobody may have asked for one) and every check agrees; all else but a person's word stops the run. A supervisor that
 * ended well and is not ready waits, or goes on at once for what it has not heard.
 */
export function decide(judgement: Judgement & Situation): Verdict {
  const { end, policy, breaker, unheard, now } = judgement;
  if (end.kind === "cancelled") {
    return { verdict: "stop", reason: "Cancelled", refused: false, outcome: "cancelled", errorCode: "interrupted" };
  }
  if (end.kind === "usage-limit") return decideUsageLimit(end.limit, policy, now);
  if (end.kind === "agent-error" && end.cause === "not-logged-in") {
    return stop(end.message, false, "agent_not_logged_in");
  }
  const error = iterationError(judgement);
  const believed = error === null && wantsChecks(end, policy);
  if (believed && unheard !== "words") return { verdict: "done", reason: doneReason(judgement), refused: false };
  const refused = isReady(end) && !believed;
  if (breaker.state === "open") {
    const code = breaker.remainingMs === 0 ? "timed_out" : null;
    return stop(breaker.reason ?? "The circuit breaker is open", refused, code);
  }
  if (end.kind === "interrupted") {
    return { verdict: "continue", reason: INTERRUPTIONS[end.by], refused, backoff: false };
  }
  if (policy.supervises && error === null && !believed) return rest(end, unheard !== null);
  const reason = believed ? UNHEARD : continueReason(end, error);
  if (!loops(policy) && unheard !== "words") return stop(reason, refused, end.kind === "timeout" ? "timed_out" : null);
  return { verdict: "continue", reason, refused, backoff: end.kind === "timeout" || end.kind === "agent-error" };
}

/**
 * Milliseconds to wait before the next iteration after `consecutiveErrors` agent errors: the base, doubling, up to the
 * cap.
 */
export function retryDelay(consecutiveErrors: number, baseMs: number, capMs: number = 60_000): number {
  if (consecutiveErrors <= 0) return 0;
  // Beyond 2^30 any base but 0 has reached the cap, and 0 times infinity would be no number.
  return Math.min(capMs, baseMs * 2 ** Math.min(consecutiveErrors - 1, 30));
}

/** A tampering flag in words. */
export function describeFlag(flag: TamperingFlag): string {
  return flag.path === null ? flag.detail : `${flag.path}: ${flag.detail}`;
}

/** Flags for which a claim is refused. What a check changed was undone, and is none of the agent's doing. */
export function refusedFlags(tampering: readonly TamperingFlag[], policy: LoopPolicy): readonly TamperingFlag[] {
  return policy.onTampering === "refuse" ? tampering.filter((flag) => flag.kind !== "check-changed-files") : [];
}

const INTERRUPTIONS: Record<InterruptedBy, string> = { pause: "Paused", message: "Interrupted by a message" };
const UNHEARD = "The agent is ready, and hears a message before the run ends";
const HAPPENED = "Something has happened that the agent has not heard of";

/**
 * Whether an agent that was asked to stop would have ended so without that: its gate was there and it ended well, or it
 * said why it failed. Every other end is the interruption's doing.
 */
function endedByItself({ gate }: IterationFacts, cause: AgentErrorCause | null): boolean {
  return cause === null ? gate !== null : cause === "not-logged-in" || cause === "context-lost";
}

/** Claude Code's messages when there is no login, or one that its API does not take. */
const LOGIN_CODES = ["authentication_failed", "oauth_org_not_allowed"];
const LOGIN_TEXTS = ["Not logged in", "Please run /login", "Invalid API key", "OAuth token", "Failed to authenticate"];

function agentErrorCause(facts: IterationFacts): AgentErrorCause | null {
  const { exit, result, error } = facts;
  const failed = result === null ? exit.kind !== "exited" || exit.code !== 0 : result.isError;
  const text = result?.text ?? error?.text ?? "";
  const refused = LOGIN_CODES.includes(error?.code ?? "") || LOGIN_TEXTS.some((start) => text.startsWith(start));
  if (failed && refused) return "not-logged-in";
  // An agent that cannot find its session may well exit with an error: what matters is that it must be told everything.
  if (facts.contextLost) return "context-lost";
  // What hung after its result was ended by makima: its exit says nothing about its work.
  if (facts.expiry !== "after-result") {
    if (exit.kind === "lost") return "lost";
    if (exit.kind === "signaled") return "signal";
    if (exit.code !== 0) return "exit";
  }
  if (result?.isError === true) return "result-error";
  return result === null && facts.reportsResult ? "no-result" : null;
}

function errorMessage(facts: IterationFacts, cause: AgentErrorCause): string {
  const { exit } = facts;
  const what = {
    "not-logged-in": "The agent is not logged in",
    lost: "The agent's process was lost",
    signal: `The agent was ended by ${exit.kind === "signaled" ? exit.signal : "a signal"}`,
    exit: `The agent exited with code ${exit.kind === "exited" ? exit.code : "unknown"}`,
    "result-error": "The agent reported an error",
    "no-result": "The agent ended without a result",
    "context-lost": "The agent lost its context and started another session",
  }[cause];
  const details = cause === "context-lost" ? "" : detailsOf(facts);
  return details === "" ? what : `${what}: ${details}`;
}

/** The most telling text: the result's, the agent's own error, what it printed on stderr. */
function detailsOf({ result, error, errorOutput }: IterationFacts): string {
  const texts = [result?.isError === true ? result.text : "", error?.text ?? "", errorOutput];
  return texts.map((text) => text.trim()).find((text) => text !== "") ?? "";
}

/** What is said of the loop of a supervisor is meant for its tasks: it itself could do nothing in a single iteration. */
function loops({ autonomousLoop, supervises }: LoopPolicy): boolean {
  return autonomousLoop || supervises;
}

function isReady(end: IterationEnd): boolean {
  return end.kind === "gate" && end.gate.ready;
}

function checkError({ name, exitCode, failure, tail }: CheckOutcome): string {
  return `Check failed: ${name} (${failure ?? `exit code ${exitCode}`})\n${tail}`;
}

function decideUsageLimit(limit: UsageLimit, policy: LoopPolicy, now: number): Verdict {
  if (!policy.waitForUsageLimit) return stop(limit.text, false, null);
  const wait = limit.until === null ? 0 : limit.until - now;
  if (wait > policy.maxWaitMs)
    return stop(`${limit.text}: its reset is further away than the longest wait`, false, null);
  return { verdict: "wait", kind: "usage-limit", reason: limit.text, refused: false, limit };
}

function rest(end: IterationEnd, newsWaits: boolean): Verdict {
  if (newsWaits) return { verdict: "continue", reason: HAPPENED, refused: false, backoff: false };
  const why = end.kind === "gate" && end.gate.reason ? `: ${end.gate.reason}` : "";
  return { verdict: "wait", kind: "wake-up", reason: `${WAITS_FOR_TASKS}${why}`, refused: false };
}

function doneReason({ end, checks }: Judgement): string {
  const claim = end.kind === "gate" ? "The agent is ready" : "The agent has ended";
  return checks.length === 0 ? `${claim}; there are no checks` : `${claim} and every check passed`;
}

function continueReason(end: IterationEnd, error: string | null): string {
  if (error !== null) return error.split("\n", 1)[0] ?? error;
  if (end.kind === "gate") return `The agent is not ready${end.gate.reason ? `: ${end.gate.reason}` : ""}`;
  return "The agent ended without a completion gate";
}

function stop(reason: string, refused: boolean, errorCode: ErrorCode | null): Verdict {
  return { verdict: "stop", reason, refused, outcome: "failed", errorCode };
}
