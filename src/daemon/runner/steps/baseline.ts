import { join } from "node:path";
import { exists } from "../../../platform/files.ts";
import { treeOf } from "../../../platform/git/commit.ts";
import type { CheckReport, RunEventOf } from "../../../protocol/run-events.ts";
import { locationOf, openCheckout } from "../../checkout/checkout.ts";
import { removeAdded } from "../../checkout/restore.ts";
import { runCheck } from "../../checks/run-check.ts";
import { RunDirectory } from "../../journal/run-directory.ts";
import type { RunContext } from "../context.ts";

/** Runs every check on the untouched checkout: only against that can a pass later mean that the goal is met. */
export async function baseline(run: RunContext): Promise<void> {
  const { checkout } = run.state;
  if (checkout === null) throw new Error("a baseline needs a checkout");
  const reports = (await isUntouched(run, checkout)) ? await take(run, checkout) : await inherited(run);
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

/** A resumed run finds what the run before it has done, unless it had to begin anew. */
async function isUntouched(run: RunContext, { worktree, head, tree }: RunEventOf<"checkout">): Promise<boolean> {
  const { spec, services } = run;
  if (spec.resume === null) return true;
  return head === spec.base && tree === (await treeOf(services.git, locationOf(await openCheckout(worktree)), head));
}

/** What the earlier run saw holds for a checkout that is no base any more; where that is gone, nothing does. */
async function inherited(run: RunContext): Promise<CheckReport[]> {
  const runId = run.spec.resume?.runId ?? run.spec.runId;
  const path = join(run.directory.path, "..", runId);
  if (!(await exists(join(path, "spec.json")))) return [];
  const events = await (await RunDirectory.open(path)).readJournal();
  return events.findLast((event) => event.type === "baseline")?.checks ?? [];
}
