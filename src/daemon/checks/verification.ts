import type { CheckReport, TamperingReport, Verification } from "../../protocol/run-events.ts";

/** What a check itself changed was undone, and what `.makima.toml` says now was not run: the checks are pinned. */
const HARMLESS: readonly TamperingReport["kind"][] = ["check-changed-files", "check-config-changed"];

/**
 * How far a run's checks prove that its goal is met: a check that failed on the base and passes now speaks of the goal;
 * one that passed before only says that nothing broke. Without a baseline nobody knows, so the weaker claim is made.
 * Where what checks lean on was changed, their passing proves nothing: deleting a failing test makes them pass too.
 */
export function verificationOf(checks: readonly CheckReport[], tampering: readonly TamperingReport[]): Verification {
  const weakened = tampering.some(({ kind }) => !HARMLESS.includes(kind));
  if (checks.length === 0 || weakened) return "unverified";
  return checks.some((check) => check.passed && check.baseline === false) ? "verified" : "regression-only";
}
