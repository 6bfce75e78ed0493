import type { CheckReport, Verification } from "../../protocol/run-events.ts";

/**
 * How far a run's checks prove that its goal is met: a check that failed on the base and passes now speaks of the goal;
 * one that passed before only says that nothing broke. Without a baseline nobody knows, so the weaker claim is made.
 */
export function verificationOf(checks: readonly CheckReport[]): Verification {
  if (checks.length === 0) return "unverified";
  return checks.some((check) => check.passed && check.baseline === false) ? "verified" : "regression-only";
}
