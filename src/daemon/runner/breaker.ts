import { CircuitBreaker } from "../../core/circuit-breaker.ts";
import type { BreakerState, BreakerThresholds } from "../../core/circuit-breaker.ts";
import type { LoopLimits } from "../../protocol/run-spec.ts";
import type { RunContext } from "./context.ts";

/** The run's breaker as the last verdict left it; of a resumed task the earlier run's, half-opened. */
export function breakerOf(run: RunContext): CircuitBreaker {
  const thresholds = thresholdsOf(run.spec.limits);
  const { verdict } = run.state;
  if (verdict !== null) return restore(verdict.breaker, thresholds);
  const earlier = run.spec.resume?.breaker ?? null;
  if (earlier === null) return new CircuitBreaker(thresholds);
  const breaker = restore(earlier, thresholds);
  breaker.halfOpen();
  return breaker;
}

/** The journal and the server keep a breaker as the JSON that it gave: it comes back the same. */
function restore(state: Record<string, unknown>, thresholds: Partial<BreakerThresholds>): CircuitBreaker {
  return CircuitBreaker.restore(state as unknown as BreakerState, thresholds);
}

function thresholdsOf(limits: LoopLimits): Partial<BreakerThresholds> {
  return {
    maxIterations: limits.maxIterations,
    noChangeThreshold: limits.noChangeThreshold,
    sameErrorThreshold: limits.sameErrorThreshold,
    permissionDenialThreshold: limits.permissionDenialThreshold,
    sameToolThreshold: limits.sameToolThreshold,
    budgetUsd: limits.budgetUsd,
    wallClockMs: limits.wallClockMs,
  };
}
