import { ERRORS, errorBody } from "../../../core/errors.ts";
import type { ErrorCode } from "../../../core/errors.ts";
import { diffStat } from "../../../platform/git/diff.ts";
import { killByEnvironment } from "../../../platform/process/reap.ts";
import type { RunEventOf } from "../../../protocol/run-events.ts";
import { locationOf, openCheckout } from "../../checkout/checkout.ts";
import { finalCommit } from "../../checkout/final-commit.ts";
import { removeCheckout } from "../../checkout/remove.ts";
import type { RunContext } from "../context.ts";

interface Ending {
  outcome: RunEventOf<"finished">["outcome"];
  reason: string;
  /** A cause that a person can mend. */
  error: { code: ErrorCode; hint: string } | null;
}

/** Ends the run as its last verdict says. */
export async function finish(run: RunContext): Promise<void> {
  const { verdict } = run.state;
  if (verdict === null) throw new Error("a run finishes after a verdict");
  const { errorCode } = verdict;
  if (verdict.verdict === "done") {
    await finishWith(run, { outcome: "completed", reason: verdict.reason, error: null });
  } else if (errorCode === "interrupted") {
    await finishWith(run, { outcome: "cancelled", reason: run.cancelled ?? verdict.reason, error: null });
  } else {
    const error = isErrorCode(errorCode) ? { code: errorCode, hint: ERRORS[errorCode].hint } : null;
    await finishWith(run, { outcome: "failed", reason: verdict.reason, error });
  }
}

/**
 * Ends the run: no process of it survives, and what the agent left uncommitted becomes a commit on the branch. A
 * checkout goes when its branch holds everything that it was for; a run that did not get there keeps it.
 */
export async function finishWith(run: RunContext, { outcome, reason, error }: Ending): Promise<void> {
  await run.settled();
  if (!(await killByEnvironment("MAKIMA_RUN_ID", run.spec.runId))) {
    run.log.error({ run: run.spec.runId }, "processes of a run multiply faster than they can be killed");
  }
  const landed = await landSafely(run, { finished: outcome === "completed", failedEarly: error !== null });
  run.record({
    type: "finished",
    at: run.now(),
    outcome,
    reason,
    errorCode: error?.code ?? null,
    hint: error?.hint ?? null,
    verification: run.state.verified?.verification ?? "unverified",
    ...landed,
  });
}

type Landed = Pick<RunEventOf<"finished">, "head" | "diffStat" | "worktree" | "branchKept">;

const NOTHING: Landed = { head: null, diffStat: null, worktree: null, branchKept: false };

interface Progress {
  finished: boolean;
  failedEarly: boolean;
}

/** A run must end whatever became of its checkout: what cannot be landed stays where it is, and the person is told. */
async function landSafely(run: RunContext, progress: Progress): Promise<Landed> {
  try {
    return await land(run, progress);
  } catch (error) {
    run.log.error({ err: error, run: run.spec.runId }, "a checkout could not be landed");
    run.record({ type: "notice", at: run.now(), message: `Not landed: ${errorBody(error).message}` });
    return { ...NOTHING, worktree: run.state.checkout?.worktree ?? null, branchKept: true };
  }
}

async function land(run: RunContext, { finished, failedEarly }: Progress): Promise<Landed> {
  if (run.state.checkout === null) return NOTHING;
  const { git } = run.services;
  const checkout = await openCheckout(run.state.checkout.worktree);
  const { head, salvage } = await finalCommit(git, checkout, { message: commitMessage(run) });
  if (salvage !== null) {
    const message = `Work that does not follow from ${checkout.branch} is kept under ${salvage}`;
    run.record({ type: "notice", at: run.now(), message });
  }
  const untouched = head === checkout.baseCommit && salvage === null;
  const stat = await diffStat(git, locationOf(checkout), checkout.baseCommit, head);
  if (!finished && !(failedEarly && untouched)) {
    return { head, diffStat: stat, worktree: checkout.dir, branchKept: true };
  }
  const { branchDeleted } = await removeCheckout(git, checkout.dir, { deleteBranch: finished ? "keep" : "if-unchanged" });
  return { head: branchDeleted ? null : head, diffStat: stat, worktree: null, branchKept: !branchDeleted };
}

/** The agent's own words on what it did, else the goal's first line. */
function commitMessage({ state, spec }: RunContext): string {
  const said = state.progress?.trim();
  const subject = said === undefined || said === "" ? (spec.goal.trim().split("\n", 1)[0] ?? "") : said;
  return `${subject}\n`;
}

function isErrorCode(code: string | null): code is ErrorCode {
  return code !== null && Object.hasOwn(ERRORS, code);
}
