import { CircuitBreaker } from "../../core/circuit-breaker.ts";
import type { BreakerThresholds } from "../../core/circuit-breaker.ts";
import type { LoopLimits } from "../../protocol/run-spec.ts";
import type { RunContext } from "./context.ts";

/** The run's breaker as the last verdict left it; of a resumed task the earlier run's, half-opened. */
export function breakerOf(run: RunContext): CircuitBreaker {
  const thresholds = thresholdsOf(run.spec.limits);
  const { verdict } = run.state;
  if (verdict !== null) return CircuitBreaker.restore(verdict.breaker, thresholds);
  const earlier = run.spec.resume?.breaker ?? null;
  if (earlier === null) return new CircuitBreaker(thresholds);
  const breaker = CircuitBreaker.restore(earlier, thresholds);
  breaker.halfOpen();
  return breaker;
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
