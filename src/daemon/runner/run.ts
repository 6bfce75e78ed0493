import { MakimaError, errorBody } from "../../core/errors.ts";
import type { RunContext } from "./context.ts";
import { nextStep } from "./run-state.ts";
import type { Step } from "./run-state.ts";
import { begin } from "./steps/begin.ts";
import { baseline } from "./steps/baseline.ts";
import { finish, finishWith } from "./steps/finish.ts";
import { iterate } from "./steps/iterate.ts";
import { prepare } from "./steps/prepare.ts";
import { start } from "./steps/start.ts";
import { wait } from "./steps/wait.ts";

const STEPS: Record<Exclude<Step, "end">, (run: RunContext) => Promise<void>> = {
  start,
  prepare,
  baseline,
  begin,
  iterate,
  wait,
  finish,
};

/**
 * Carries a run on from wherever its journal stands to its end. Every step either records that it is done or can be
 * done again, so a daemon may die anywhere in here.
 *
 * Resolves when the run has finished, or when the daemon lets go of it: then the agent goes on and the next daemon takes over.
 */
export async function carryOn(run: RunContext): Promise<void> {
  try {
    await loop(run);
  } finally {
    await run.settled();
  }
}

async function loop(run: RunContext): Promise<void> {
  for (;;) {
    if (run.detach.aborted) return;
    const step = nextStep(run.state, run.spec);
    if (step === "end") return;
    try {
      if (run.cancelled !== null && (step === "prepare" || step === "baseline" || step === "begin" || step === "wait")) {
        await finishWith(run, { outcome: "cancelled", reason: run.cancelled, error: null });
      } else {
        await STEPS[step](run);
      }
    } catch (error) {
      if (run.detach.aborted) return;
      await fail(run, error);
    }
  }
}

/** A step that throws ends the run: nothing is retried blindly, and the checkout stays for a person to look at. */
async function fail(run: RunContext, error: unknown): Promise<void> {
  if (!(error instanceof MakimaError)) run.log.error({ err: error, run: run.spec.runId }, "a run's step failed");
  const { code, message, hint } = errorBody(error);
  await finishWith(run, { outcome: "failed", reason: message, error: { code, hint } });
}
