import { join } from "node:path";
import { scanDiff } from "../../core/tampering.ts";
import type { TamperingFlag } from "../../core/tampering.ts";
import type { CheckOutcome } from "../../core/verdict.ts";
import { diffFiles } from "../../platform/git/diff.ts";
import type { FileStatus } from "../../platform/git/diff.ts";
import type { CheckReport } from "../../protocol/run-events.ts";
import { checkPath } from "../../protocol/streams.ts";
import { locationOf } from "../checkout/checkout.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { removeAdded } from "../checkout/restore.ts";
import type { Snapshot } from "../checkout/snapshot.ts";
import type { RunContext } from "../runner/context.ts";
import { outputTail } from "./output-tail.ts";
import { runCheck } from "./run-check.ts";

const LETTERS: Record<FileStatus, "A" | "M" | "D"> = { added: "A", modified: "M", deleted: "D" };

/**
 * Puts an agent's claim to the proof: runs every check, also after one has failed, so that the agent learns of all of
 * them at once; and looks for what was done to the things that checks lean on.
 */
export async function judge(
  run: RunContext,
  checkout: Checkout,
  { index, after }: { index: number; after: Snapshot },
): Promise<{ checks: CheckOutcome[]; tampering: TamperingFlag[] }> {
  const changes = await diffFiles(run.services.git, locationOf(checkout), checkout.start, after.tree);
  const tampering = scanDiff(changes.map((change) => ({ ...change, status: LETTERS[change.status] })));
  const outcomes: CheckOutcome[] = [];
  const checks = run.state.checkout?.checks ?? [];
  for (const [position, check] of checks.entries()) {
    const number = position + 1;
    const { report, tail } =
      (await reported(run, index, number)) ?? (await runCheck(run, { check, iteration: index, number, before: after }));
    if (run.cancelled !== null) break;
    if (run.state.open?.checks[position] === undefined)
      run.record({ type: "check", at: run.now(), index, check: report });
    outcomes.push(outcomeOf(report, tail));
    tampering.push(...report.flags);
  }
  if (checks.length > 0) await removeAdded(run.services.git, checkout, after.tree);
  return { checks: outcomes, tampering };
}

/** What an earlier daemon had found out before it died. */
async function reported(run: RunContext, index: number, number: number) {
  const report = run.state.open?.checks[number - 1];
  if (report === undefined) return null;
  return { report, tail: await outputTail(join(run.directory.path, checkPath(index, number))) };
}

function outcomeOf({ name, passed, exitCode, failure }: CheckReport, tail: string): CheckOutcome {
  return { name, passed, exitCode, failure, tail };
}
