import { MakimaError, errorBody } from "../../core/errors.ts";
import { isErrno } from "../../platform/files.ts";
import type { RunContext } from "./context.ts";
import { nextStep } from "./run-state.ts";
import type { Step } from "./run-state.ts";
import { baseline } from "./steps/baseline.ts";
import { begin } from "./steps/begin.ts";
import { finish, finishWith } from "./steps/finish.ts";
import { iterate } from "./steps/iterate.ts";
import { pause } from "./steps/pause.ts";
import { prepare } from "./steps/prepare.ts";
import { start } from "./steps/start.ts";
import { wait } from "./steps/wait.ts";

const STEPS: Record<Exclude<Step, "end">, (run: RunContext) => Promise<void>> = {
  start,
  prepare,
  baseline,
  begin,
  iterate,
  pause,
  wait,
  finish,
};

/** A run steps back from a full disk for this long (ms): somebody has to make room. */
const FULL_DISK_PAUSE = 5_000;

/** Steps before which a person's stop ends the run; the others see to it themselves, or are quickly done. */
const CANCELLABLE: readonly Step[] = ["prepare", "baseline", "begin", "pause", "wait"];

/**
 * Carries a run on from wherever its journal stands to its end. Every step either records that it is done or can be
 * done again, so a daemon may die anywhere in here.
 *
 * Resolves when the run has finished, or when the daemon lets go of it: then the agent goes on and the next daemon takes
 * over. Never rejects.
 */
export async function carryOn(run: RunContext): Promise<void> {
  for (;;) {
    const step = nextStep(run.state, run.spec, run.wishes.paused);
    if (step === "end" || run.detach.aborted) break;
    try {
      await take(run, step);
    } catch (error) {
      if (run.detach.aborted) break;
      run.log.error({ err: error, run: run.spec.runId, step }, "a run cannot go on now; trying again");
      await run.services.clock.sleep(FULL_DISK_PAUSE, run.detach).catch(() => undefined);
    }
  }
  await run.catchUp();
}

/** Throws when the run can neither go on nor end: the disk is full, or the daemon is letting go of it. */
async function take(run: RunContext, step: Exclude<Step, "end">): Promise<void> {
  try {
    if (run.cancelled === null || !CANCELLABLE.includes(step)) await STEPS[step](run);
    else await finishWith(run, { outcome: "cancelled", reason: run.cancelled, error: null });
  } catch (error) {
    if (run.detach.aborted || isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT")) throw error;
    await fail(run, error);
  }
}

/** A step that throws ends the run: nothing is retried blindly, and the checkout stays for a person to look at. */
async function fail(run: RunContext, error: unknown): Promise<void> {
  if (!(error instanceof MakimaError)) run.log.error({ err: error, run: run.spec.runId }, "a run's step failed");
  const { code, message, hint } = errorBody(error);
  await finishWith(run, { outcome: "failed", reason: message, error: { code, hint } });
}
