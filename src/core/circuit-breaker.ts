import { fingerprint } from "./fingerprint.ts";
import { digest } from "./text.ts";

/** When a run counts as going nowhere. Counts are whole numbers of at least 1; `null` means no limit. */
export interface BreakerThresholds {
  /** Iterations in all. */
  maxIterations: number;
  /** Iterations in a row that left the checkout as it was. */
  noChangeThreshold: number;
  /** Iterations in a row that ended in the same error. */
  sameErrorThreshold: number;
  /** Iterations in a row in which the agent was denied a permission. */
  permissionDenialThreshold: number;
  /** Times that one tool was called with one input since the last change. */
  sameToolThreshold: number;
  budgetUsd: number | null;
  budgetTokens: number | null;
  /** Milliseconds that the agent may work in all. */
  wallClockMs: number | null;
}

export const DEFAULT_THRESHOLDS: Readonly<BreakerThresholds> = {
  maxIterations: 10,
  noChangeThreshold: 3,
  sameErrorThreshold: 5,
  permissionDenialThreshold: 2,
  sameToolThreshold: 5,
  budgetUsd: null,
  budgetTokens: null,
  wallClockMs: null,
};

/**
 * closed: the run may go on. open: it must not, and `reason` says why. half-open: a person resumed it; the next
 * iteration is a probe, and `reason` is what it was open for.
 */
export type CircuitState = "closed" | "open" | "half-open";

/** The whole memory of a breaker, as plain JSON. */
export type BreakerState = Counters & {
  state: CircuitState;
  reason: string | null;
  lastError: string | null;
  thresholds: BreakerThresholds;
};

/**
 * Stops a run that is going nowhere. Pure: it is told facts and answers whether the circuit stays closed (true also
 * while half-open). It can be serialised after any call and restored, and then answers as if nothing had happened.
 * The first reason to open is the one that stays.
 */
export class CircuitBreaker {
  readonly thresholds: Readonly<BreakerThresholds>;
  #state: CircuitState = "closed";
  #reason: string | null = null;
  /** Digest of the last error's fingerprint: the error itself may be long, and is compared only. */
  #lastError: string | null = null;
  #counters: Counters = freshCounters();

  constructor(thresholds: Partial<BreakerThresholds> = {}) {
    this.thresholds = pickThresholds(thresholds);
  }

  /**
   * Restores what `toJSON` gave; fields that an older version did not write start afresh. `thresholds` replaces those
   * of the state, for a run that is resumed with new limits.
   */
  static restore(state: Record<string, unknown>, thresholds: Partial<BreakerThresholds> = {}): CircuitBreaker {
    const saved = isObject(state["thresholds"]) ? state["thresholds"] : {};
    const breaker = new CircuitBreaker({ ...saved, ...thresholds });
    breaker.#state = STATES.find((name) => name === state["state"]) ?? "closed";
    breaker.#reason = readText(state["reason"]);
    breaker.#lastError = readText(state["lastError"]);
    breaker.#counters = readCounters(state);
    return breaker;
  }

  get state(): CircuitState {
    return this.#state;
  }

  get reason(): string | null {
    return this.#reason;
  }

  /** US dollars left, null without a budget; never negative. */
  get remainingUsd(): number | null {
    return remaining(this.thresholds.budgetUsd, this.#counters.spentUsd);
  }

  /** Milliseconds left of the wall clock limit, null without one; never negative. */
  get remainingMs(): number | null {
    return remaining(this.thresholds.wallClockMs, this.#counters.elapsedMs);
  }

  /**
   * Counts an iteration that ended.
   * @param hadChanges whether the checkout differs from before it
   * @param error what it failed with, null when it did not fail
   */
  recordIteration(hadChanges: boolean, error: string | null): boolean {
    if (!this.#allows) return false;
    const repeated = this.#countError(error);
    const counters = this.#counters;
    counters.iterations++;
    counters.noChanges = hadChanges ? 0 : counters.noChanges + 1;
    const sameTool = mostRepeated(counters.toolCalls);
    if (hadChanges) counters.toolCalls = [];
    if (this.#state === "half-open") this.#judgeProbe(hadChanges && !repeated);

    const { maxIterations, noChangeThreshold, sameErrorThreshold, sameToolThreshold } = this.thresholds;
    this.#openIf(counters.iterations >= maxIterations, () => `Maximum iterations (${maxIterations}) reached`);
    this.#openIf(
      counters.noChanges >= noChangeThreshold,
      () => `No file changes for ${counters.noChanges} consecutive runs`,
    );
    this.#openIf(
      counters.sameErrors >= sameErrorThreshold,
      () => `Same error repeated ${counters.sameErrors} times: ${summary(error ?? "")}`,
    );
    this.#openIf(
      !hadChanges && sameTool !== null && sameTool.count >= sameToolThreshold,
      () => `Same tool call repeated ${sameTool?.count} times without a change: ${sameTool?.tool}`,
    );
    return this.#allows;
  }

  /**
   * Notes a tool call of the main agent. It is judged when the iteration ends: only then is it known whether anything
   * changed, and running the same tests after each edit is what an agent should do.
   */
  recordToolCall(tool: string, input: string): void {
    const key = digest(`${tool}\n${input}`);
    const calls = this.#counters.toolCalls;
    const count = calls.find((call) => call.key === key)?.count ?? 0;
    const others = calls.filter((call) => call.key !== key).slice(1 - MAX_TOOL_CALLS);
    this.#counters.toolCalls = [...others, { key, tool: summary(tool), count: count + 1 }];
  }

  /** Once for each iteration: how many permissions the agent was denied in it. */
  recordPermissionDenials(denials: number): boolean {
    const counters = this.#counters;
    counters.permissionDenials = denials > 0 ? counters.permissionDenials + 1 : 0;
    this.#openIf(
      counters.permissionDenials >= this.thresholds.permissionDenialThreshold,
      () => `Permission denied in ${counters.permissionDenials} consecutive runs`,
    );
    return this.#allows;
  }

  /** Adds what an iteration cost. */
  recordUsage(usage: { usd: number; tokens: number }): boolean {
    const { budgetUsd, budgetTokens } = this.thresholds;
    this.#counters.spentUsd += readCount(usage.usd);
    this.#counters.spentTokens += readCount(usage.tokens);
    this.#openIf(remaining(budgetUsd, this.#counters.spentUsd) === 0, () => `Budget of $${budgetUsd} spent`);
    this.#openIf(
      remaining(budgetTokens, this.#counters.spentTokens) === 0,
      () => `Budget of ${budgetTokens} tokens spent`,
    );
    return this.#allows;
  }

  /** Adds working time in milliseconds; waiting for a usage limit is none. */
  recordElapsed(ms: number): boolean {
    this.#counters.elapsedMs += readCount(ms);
    this.#openIf(
      this.remainingMs === 0,
      () => `Time limit of ${Math.round((this.thresholds.wallClockMs ?? 0) / 1000)} s reached`,
    );
    return this.#allows;
  }

  /**
   * A person resumed the run: an open circuit lets one probe iteration through, with fresh counters and budgets. It
   * closes only if that one made progress: it changed something, and did not fail as the last one did.
   */
  halfOpen(): void {
    if (this.#state !== "open") return;
    this.#state = "half-open";
    this.#counters = freshCounters();
  }

  /** Forgets everything but the thresholds. */
  reset(): void {
    this.#state = "closed";
    this.#reason = null;
    this.#lastError = null;
    this.#counters = freshCounters();
  }

  toJSON(): BreakerState {
    return {
      state: this.#state,
      reason: this.#reason,
      lastError: this.#lastError,
      ...this.#counters,
      toolCalls: this.#counters.toolCalls.map((call) => ({ ...call })),
      thresholds: { ...this.thresholds },
    };
  }

  /** Returns whether the error is the one of the iteration before. */
  #countError(error: string | null): boolean {
    const key = error === null ? null : digest(fingerprint(error));
    const repeated = key !== null && key === this.#lastError;
    this.#counters.sameErrors = key === null ? 0 : repeated ? this.#counters.sameErrors + 1 : 1;
    this.#lastError = key;
    return repeated;
  }

  get #allows(): boolean {
    return this.#state !== "open";
  }

  #judgeProbe(progress: boolean): void {
    const before = this.#reason;
    this.#state = "closed";
    this.#reason = null;
    this.#openIf(!progress, () => `No progress after resuming; before: ${before}`);
  }

  #openIf(condition: boolean, reason: () => string): void {
    if (!condition || !this.#allows) return;
    this.#state = "open";
    this.#reason = reason();
  }
}

interface ToolCallCount {
  key: string;
  tool: string;
  count: number;
}

type Counters = {
  iterations: number;
  noChanges: number;
  sameErrors: number;
  permissionDenials: number;
  spentUsd: number;
  spentTokens: number;
  elapsedMs: number;
  /** Distinct calls since the last change, the latest one last. */
  toolCalls: ToolCallCount[];
};

/** Bounds the serialised state; a loop over more distinct calls than this is not noticed here, but changes nothing. */
const MAX_TOOL_CALLS = 64;

const STATES = ["closed", "open", "half-open"] as const satisfies readonly CircuitState[];

function freshCounters(): Counters {
  return readCounters({});
}

function readCounters(state: Record<string, unknown>): Counters {
  const calls: unknown[] = Array.isArray(state["toolCalls"]) ? state["toolCalls"] : [];
  return {
    iterations: readCount(state["iterations"]),
    noChanges: readCount(state["noChanges"]),
    sameErrors: readCount(state["sameErrors"]),
    permissionDenials: readCount(state["permissionDenials"]),
    spentUsd: readCount(state["spentUsd"]),
    spentTokens: readCount(state["spentTokens"]),
    elapsedMs: readCount(state["elapsedMs"]),
    toolCalls: calls.filter(isObject).map((call) => ({
      key: readText(call["key"]) ?? "",
      tool: readText(call["tool"]) ?? "",
      count: readCount(call["count"]),
    })),
  };
}

/** An agent reports its own cost; what is no amount must not poison the sum. */
function readCount(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}

function readText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Keeps what is a threshold, whatever else the caller's limits hold. */
function pickThresholds(from: Partial<BreakerThresholds>): BreakerThresholds {
  const use = { ...DEFAULT_THRESHOLDS, ...from };
  return {
    maxIterations: use.maxIterations,
    noChangeThreshold: use.noChangeThreshold,
    sameErrorThreshold: use.sameErrorThreshold,
    permissionDenialThreshold: use.permissionDenialThreshold,
    sameToolThreshold: use.sameToolThreshold,
    budgetUsd: use.budgetUsd,
    budgetTokens: use.budgetTokens,
    wallClockMs: use.wallClockMs,
  };
}

function remaining(limit: number | null, used: number): number | null {
  return limit === null ? null : Math.max(0, limit - used);
}

function mostRepeated(calls: readonly ToolCallCount[]): ToolCallCount | null {
  return calls.reduce<ToolCallCount | null>(
    (most, call) => (most !== null && most.count >= call.count ? most : call),
    null,
  );
}

/** The first line of a message, for a reason that is one line itself. */
function summary(message: string): string {
  return (message.trim().split("\n", 1)[0] ?? "").slice(0, 200);
}
