import { ERRORS, errorBody, MakimaError } from "../../../core/errors.ts";
import type { ErrorBody, ErrorCode } from "../../../core/errors.ts";
import { diffStat } from "../../../platform/git/diff.ts";
import type { GitLocation } from "../../../platform/git/git.ts";
import { NO_COMMIT, readRef } from "../../../platform/git/refs.ts";
import { killByEnvironment } from "../../../platform/process/reap.ts";
import type { RunEventOf } from "../../../protocol/run-events.ts";
import { branchRef, findCheckout, repositoryAt } from "../../checkout/checkout.ts";
import { finalCommit } from "../../checkout/final-commit.ts";
import { removeCheckout } from "../../checkout/remove.ts";
import type { RunContext } from "../context.ts";

interface Ending {
  outcome: RunEventOf<"finished">["outcome"];
  reason: string;
  /** A cause that a person can mend. */
  error: Pick<ErrorBody, "code" | "hint"> | null;
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
 * checkout goes when its branch holds everything that it was for; a run that did not get there keeps it. Of a fenced
 * run's work nothing is touched here: see `putAside`. May be done again after a crash at any point.
 */
export async function finishWith(run: RunContext, wanted: Ending): Promise<void> {
  const ending = run.fenced ? { outcome: "cancelled" as const, reason: run.cancelled ?? "", error: null } : wanted;
  await run.catchUp();
  if (!(await killByEnvironment("MAKIMA_RUN_ID", run.spec.runId))) {
    run.log.error({ run: run.spec.runId }, "processes of a run multiply faster than they can be killed");
  }
  run.upload.revisit();
  const { landed, problem } = await landSafely(run, ending);
  const { outcome, reason, error } = problem === null ? ending : notLanded(ending, problem);
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

/** A run must end whatever became of its checkout: what cannot be landed stays where it is, and the person is told. */
async function landSafely(run: RunContext, ending: Ending): Promise<{ landed: Landed; problem: ErrorBody | null }> {
  const asItIs = { ...NOTHING, worktree: run.state.checkout?.worktree ?? null, branchKept: true };
  if (run.fenced) return { landed: asItIs, problem: null };
  try {
    return { landed: await land(run, ending), problem: null };
  } catch (error) {
    const problem = errorBody(error);
    run.log.error({ err: error, run: run.spec.runId }, "a checkout could not be landed");
    run.record({ type: "notice", at: run.now(), message: `Not landed: ${problem.message}` });
    return { landed: asItIs, problem };
  }
}

/** Work that is not on its branch is not finished, however good it is. */
function notLanded(ending: Ending, problem: ErrorBody): Ending {
  if (ending.outcome !== "completed") return ending;
  const reason = `The goal is met, but the work could not be put on its branch: ${problem.message}`;
  return { outcome: "failed", reason, error: problem };
}

async function land(run: RunContext, { outcome, error }: Ending): Promise<Landed> {
  if (run.state.checkout === null) return NOTHING;
  const { worktree } = run.state.checkout;
  const { at, head, salvage, present } = await bringToBranch(run, worktree);
  if (head === NO_COMMIT) return nothingLeft(run, outcome);
  if (salvage !== null) {
    const message = `What does not follow from ${run.spec.branch} is kept under ${salvage}`;
    if (outcome === "completed") throw new MakimaError("conflict", message);
    run.record({ type: "notice", at: run.now(), message });
  }
  const kept = { head, diffStat: await diffStat(run.services.git, at, run.spec.base, head), branchKept: true };
  if (outcome === "completed") return { ...kept, ...(await clearAway(run, worktree, "keep")) };
  const untouched = salvage === null && head === run.spec.base;
  if (error === null || !untouched) return { ...kept, worktree: present ? worktree : null };
  return { ...kept, ...(await clearAway(run, worktree, "if-unchanged")) };
}

/** A failed run's branch goes with its checkout when it holds nothing; that of a completed one only by another's hand. */
function nothingLeft({ spec }: RunContext, outcome: Ending["outcome"]): Landed {
  if (outcome === "completed") throw new MakimaError("conflict", `Checkout and branch ${spec.branch} were deleted`);
  return NOTHING;
}

interface Tip {
  /** Where to ask git about it. */
  at: GitLocation;
  /** Tip of the task's branch; `NO_COMMIT` when it is gone too. */
  head: string;
  /** The ref that keeps what could not go onto the branch. */
  salvage: string | null;
  /** Whether there is a checkout. */
  present: boolean;
}

/** Commits what the checkout still holds. Without a checkout (an earlier daemon was about to finish) the branch is it. */
async function bringToBranch(run: RunContext, worktree: string): Promise<Tip> {
  const { git } = run.services;
  const checkout = await findCheckout(worktree);
  if (checkout !== null) {
    const { head, salvage } = await finalCommit(git, checkout, { message: commitMessage(run) });
    return { at: repositoryAt(checkout), head, salvage, present: true };
  }
  const at = { cwd: run.spec.repository };
  return { at, head: await readRef(git, at, branchRef(run.spec)), salvage: null, present: false };
}

/** Removes a checkout that nobody needs any more. One that cannot be removed is no harm to what is on the branch. */
async function clearAway(
  run: RunContext,
  worktree: string,
  deleteBranch: "keep" | "if-unchanged",
): Promise<Pick<Landed, "worktree"> & Partial<Landed>> {
  try {
    const { branchDeleted } = await removeCheckout(run.services.git, worktree, { deleteBranch });
    return { worktree: null, ...(branchDeleted ? { head: null, branchKept: false } : {}) };
  } catch (error) {
    run.log.warn({ err: error, run: run.spec.runId }, "a checkout could not be removed");
    run.record({ type: "notice", at: run.now(), message: `Not removed: ${errorBody(error).message}` });
    return { worktree };
  }
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
