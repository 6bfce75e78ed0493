import { join } from "node:path";
import { exists } from "../../../platform/files.ts";
import type { CheckReport, RunEventOf } from "../../../protocol/run-events.ts";
import { openCheckout } from "../../checkout/checkout.ts";
import { removeAdded } from "../../checkout/restore.ts";
import { runCheck } from "../../checks/run-check.ts";
import { RunDirectory } from "../../journal/run-directory.ts";
import type { RunContext } from "../context.ts";

/** Runs every check on the untouched checkout: only against that can a pass later mean that the goal is met. */
export async function baseline(run: RunContext): Promise<void> {
  const { checkout } = run.state;
  if (checkout === null) throw new Error("a baseline needs a checkout");
  const reports = run.spec.resume === null ? await take(run, checkout) : await inherited(run, run.spec.resume.runId);
  if (run.cancelled !== null) return;
  run.record({ type: "baseline", at: run.now(), checks: reports });
}

async function take(run: RunContext, checkout: RunEventOf<"checkout">): Promise<CheckReport[]> {
  const reports = [];
  for (const [index, check] of checkout.checks.entries()) {
    const { report } = await runCheck(run, { check, iteration: null, number: index + 1, before: checkout });
    run.detach.throwIfAborted();
    if (run.cancelled !== null) break;
    reports.push(report);
  }
  // Also after a person's stop: what the checks left lying about is not to end up on the branch.
  await removeAdded(run.services.git, await openCheckout(checkout.worktree), checkout.tree);
  return reports;
}

/** A resumed run's checkout is no base any more: what the earlier run saw holds, and where that is gone, nothing does. */
async function inherited(run: RunContext, runId: string): Promise<CheckReport[]> {
  const path = join(run.directory.path, "..", runId);
  if (!(await exists(join(path, "spec.json")))) return [];
  const events = await (await RunDirectory.open(path)).readJournal();
  return events.findLast((event) => event.type === "baseline")?.checks ?? [];
}
