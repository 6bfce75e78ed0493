import { join } from "node:path";
import type { CircuitBreaker } from "../../../core/circuit-breaker.ts";
import { nextPrompt } from "../../../core/prompts.ts";
import type { TamperingFlag } from "../../../core/tampering.ts";
import { tail } from "../../../core/text.ts";
import { waitUntil } from "../../../core/usage-limit.ts";
import {
  classify,
  countsAsIteration,
  decide,
  iterationError,
  refusedFlags,
  retryDelay,
  wantsChecks,
} from "../../../core/verdict.ts";
import type { CheckOutcome, IterationEnd, LoopPolicy, Verdict } from "../../../core/verdict.ts";
import { readJson, writeAtomic } from "../../../platform/files.ts";
import type { RunEvent, RunEventOf } from "../../../protocol/run-events.ts";
import type { Agent } from "../../agents/agent.ts";
import { openCheckout } from "../../checkout/checkout.ts";
import type { Checkout } from "../../checkout/checkout.ts";
import { checkpoint, snapshotTree } from "../../checkout/snapshot.ts";
import type { Snapshot } from "../../checkout/snapshot.ts";
import { judge } from "../../checks/judge.ts";
import { verificationOf } from "../../checks/verification.ts";
import type { RunContext } from "../context.ts";
import { factsOf } from "../facts.ts";
import type { Observation } from "../observe.ts";
import { goalOf, promptOf, saidSoFar } from "../prompt.ts";
import { isCalledFor } from "../run-state.ts";
import type { OpenIteration } from "../run-state.ts";

export interface Concluded {
  open: OpenIteration;
  agent: Agent;
  breaker: CircuitBreaker;
  observation: Observation;
  /** The process's directory. */
  dir: string;
}

/** What was found out about an iteration, before it is decided on. */
interface Finding {
  end: IterationEnd;
  after: Snapshot;
  changed: boolean;
  checks: CheckOutcome[];
  tampering: TamperingFlag[];
}

/** Turns an ended agent process into a verdict: classifies its end, runs the checks, asks the breaker and the policy. */
export async function conclude(run: RunContext, concluded: Concluded): Promise<void> {
  const checkout = await openCheckout(run.state.checkout?.worktree ?? "");
  const finding = await find(run, checkout, concluded);
  run.detach.throwIfAborted();
  const { breaker, observation, open } = concluded;
  const policy = policyOf(run);
  const judgement = { ...finding, policy };
  const error = iterationError(judgement);
  const progress = finding.changed || (policy.supervises && isCalledFor(run.state));
  feed(breaker, observation, { end: finding.end, progress, error, elapsedMs: run.now() - open.started.at });
  const verdict = decide({ ...judgement, breaker, unheard: unheardBy(run), now: run.now() });
  const promptExcerpt = await promptAfter(run, concluded, { finding, verdict });
  run.record(...events(run, concluded, { finding, verdict, error, promptExcerpt }));
  // It is made of objects that are written already, so the next agent need not wait for it.
  run.putOff(() => keepCheckpoint(run, checkout, { index: open.started.index, finding }));
}

async function find(
  run: RunContext,
  checkout: Checkout,
  { open, agent, observation, dir }: Concluded,
): Promise<Finding> {
  const { index, tree, head } = open.started;
  const judged = join(dir, "judged.json");
  const after = ((await readJson(judged)) as Snapshot | undefined) ?? (await snapshotTree(run.services.git, checkout));
  const changed = after.tree !== tree || after.head !== head;
  if (!open.gateReported) run.record({ type: "gate", at: run.now(), index, gate: observation.gate });
  const facts = await factsOf(run, { agent, observation, open, dir });
  const end = classify(facts);
  const finding: Finding = { end, after, changed, checks: [], tampering: [] };
  if (!wantsChecks(end, policyOf(run))) return finding;
  // If this daemon dies during the checks, the next one must not take what they did to the checkout for the agent's work.
  await writeAtomic(judged, JSON.stringify(after));
  const judgement = await judge(run, checkout, { index, after });
  // A person's stop during the checks outweighs what they would have said.
  return run.cancelled === null ? { ...finding, ...judgement } : { ...finding, end: { kind: "cancelled" } };
}

interface Fed {
  end: IterationEnd;
  /** The checkout has changed; or the agent supervises, for then its work shows elsewhere, and something called for it. */
  progress: boolean;
  error: string | null;
  elapsedMs: number;
}

/** What a person interrupts is no iteration, but its time and money are spent. */
function feed(breaker: CircuitBreaker, observation: Observation, { end, progress, error, elapsedMs }: Fed): void {
  const usage = observation.result?.usage;
  const tokens = usage === undefined ? 0 : usage.inputTokens + usage.outputTokens;
  if (countsAsIteration(end)) {
    breaker.recordIteration(progress, error);
    breaker.recordPermissionDenials(observation.permissionDenials);
  } else if (end.kind !== "interrupted") return;
  breaker.recordUsage({ usd: observation.result?.costUsd ?? 0, tokens });
  breaker.recordElapsed(elapsedMs);
}

function unheardBy(run: RunContext): "words" | "news" | null {
  if (run.hasUnheardWords) return "words";
  return run.unheard.length > 0 ? "news" : null;
}

interface Outcome {
  finding: Finding;
  verdict: Verdict;
  error: string | null;
  promptExcerpt: string | null;
}

/** The verdict, with the receipt or the wait that belongs to it: one write, so that a crash keeps all or nothing. */
function events(run: RunContext, concluded: Concluded, outcome: Outcome): RunEvent[] {
  const { verdict, finding } = outcome;
  const at = run.now();
  const { index } = concluded.open.started;
  const judged = verdictEvent(run, concluded, outcome);
  if (verdict.verdict === "done") {
    const checks = run.state.open?.checks ?? [];
    const { tree, head } = finding.after;
    return [
      { type: "verified", at, index, verification: verificationOf(checks, finding.tampering), tree, head, checks },
      judged,
    ];
  }
  if (verdict.verdict === "wait") {
    const until = verdict.kind === "wake-up" ? null : waitUntil(verdict.limit, at, Math.random());
    return [judged, { type: "waiting", at, kind: verdict.kind, until, reason: verdict.reason }];
  }
  if (verdict.verdict === "continue" && verdict.backoff) {
    const pause = retryDelay(run.state.errorsInRow + 1, run.spec.limits.retryBackoffMs);
    return [judged, { type: "waiting", at, kind: "backoff", until: at + pause, reason: verdict.reason }];
  }
  return [judged];
}

function verdictEvent(run: RunContext, concluded: Concluded, outcome: Outcome): RunEventOf<"verdict"> {
  const { open, breaker, observation } = concluded;
  const { finding, verdict, error, promptExcerpt } = outcome;
  return {
    type: "verdict",
    at: run.now(),
    index: open.started.index,
    verdict: verdict.verdict,
    reason: verdict.reason,
    sessionId: sessionAfter(concluded, finding.end),
    gate: observation.gate,
    changed: finding.changed,
    error: error === null ? null : tail(error, MAX_ERROR),
    uncounted: !countsAsIteration(finding.end),
    refused: verdict.refused,
    errorCode: verdict.verdict === "stop" ? verdict.errorCode : null,
    tree: finding.after.tree,
    head: finding.after.head,
    costUsd: observation.result?.costUsd ?? 0,
    durationMs: run.now() - open.started.at,
    tampering: finding.tampering,
    breaker: { ...breaker.toJSON() },
    nextPrompt: promptExcerpt,
    model: observation.model,
  };
}

/** Longest error that an event carries, in characters; the streams have the rest. */
const MAX_ERROR = 8_000;

/** An agent that ended before it told of its session may not have begun the one that it was to begin. */
function sessionAfter({ open, observation }: Concluded, end: IterationEnd): string | null {
  const lost = end.kind === "agent-error" && end.cause === "context-lost";
  return lost ? null : (observation.sessionId ?? (open.started.resumed ? open.started.sessionId : null));
}

/** Puts the next iteration's prompt in its place, if there is to be one, and returns what the verdict says of it. */
async function promptAfter(
  run: RunContext,
  concluded: Concluded,
  { finding, verdict }: Pick<Outcome, "finding" | "verdict">,
): Promise<string | null> {
  if (verdict.verdict !== "continue" && verdict.verdict !== "wait") return null;
  const { index } = concluded.open.started;
  // Interrupted before it had read what it was told, the agent is told that again.
  const again = finding.end.kind === "interrupted" && !concluded.observation.responded;
  const prompt = again ? await promptOf(run, index) : await promptFor(run, concluded, finding);
  return run.directory.writePrompt(index + 1, prompt);
}

async function promptFor(run: RunContext, concluded: Concluded, finding: Finding): Promise<string> {
  const remembers = concluded.agent.resumes && sessionAfter(concluded, finding.end) !== null;
  return nextPrompt({
    ...goalOf(run),
    end: finding.end,
    outcomes: finding.checks,
    refused: refusedFlags(finding.tampering, policyOf(run)),
    remembers,
    said: remembers ? [] : await saidSoFar(run),
    supervises: run.spec.supervision !== null,
  });
}

function policyOf({ spec }: RunContext): LoopPolicy {
  const { onTampering, waitForUsageLimit, maxWaitMs } = spec.limits;
  const { autonomousLoop, supervision } = spec;
  return { autonomousLoop, supervises: supervision !== null, onTampering, waitForUsageLimit, maxWaitMs };
}

/** Only a changed state is worth a commit; a failure costs a checkpoint, never the run. */
async function keepCheckpoint(
  run: RunContext,
  checkout: Checkout,
  { index, finding }: { index: number; finding: Finding },
): Promise<void> {
  if (!finding.changed) return;
  const message = `Checkpoint after iteration ${index}\n`;
  try {
    const kept = await checkpoint(run.services.git, checkout, { n: index, snapshot: finding.after, message });
    run.record({ type: "checkpoint", at: run.now(), index, ...kept });
  } catch (error) {
    run.log.warn({ err: error, run: run.spec.runId, index }, "no checkpoint could be made");
    run.record({ type: "notice", at: run.now(), message: `No checkpoint could be made after iteration ${index}` });
  }
}
