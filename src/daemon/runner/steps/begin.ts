import { randomUUID } from "node:crypto";
import { firstPrompt, nextPrompt } from "../../../core/prompts.ts";
import { waitUntil } from "../../../core/usage-limit.ts";
import type { UsageLimit } from "../../../core/usage-limit.ts";
import type { RunContext } from "../context.ts";

/**
 * Decides prompt and session of the next iteration and records them; the agent is started by the next step. While another
 * run of the agent waits for a usage limit, this one waits too.
 */
export async function begin(run: RunContext): Promise<void> {
  const { state } = run;
  const before = state.verdict ?? state.checkout;
  if (before === null) throw new Error("an iteration needs a checkout");
  const { agent } = await run.agent();
  const limit = sharedLimit(run);
  if (limit !== null) {
    const until = waitUntil(limit, run.now(), Math.random());
    run.record({ type: "waiting", at: run.now(), kind: "usage-limit", until, reason: limit.text });
    return;
  }
  const index = state.iterations + 1;
  // The prompt of a later iteration was written before the verdict that asks for it.
  const prompt =
    state.verdict?.nextPrompt ?? (await run.directory.writePrompt(index, openingPrompt(run, agent.resumes)));
  run.record({
    type: "iteration-started",
    at: run.now(),
    index,
    ...nextSession(run, agent.resumes),
    tree: before.tree,
    head: before.head,
    prompt,
  });
}

/** What holds the run back: nothing, where it is not to wait, for its own attempt then says so. */
function sharedLimit(run: RunContext): (UsageLimit & { until: number }) | null {
  const { waitForUsageLimit, maxWaitMs } = run.spec.limits;
  const limit = run.services.usageLimits.at(run.spec.agent, run.now());
  return limit !== null && waitForUsageLimit && limit.until - run.now() <= maxWaitMs ? limit : null;
}

/** The first prompt of a run; a resumed run tells the agent that it goes on. */
function openingPrompt(run: RunContext, resumes: boolean): string {
  const { goal, resume } = run.spec;
  const checks = run.state.checkout?.checks.map(({ command }) => command) ?? [];
  if (resume === null) return firstPrompt({ goal, checks });
  const remembers = resumes && resume.sessionId !== null;
  return nextPrompt({ goal, checks, end: { kind: "cancelled" }, outcomes: [], refused: [], remembers });
}

/** A new session for the first iteration of a task; later the known one, or the latest of the checkout if unknown. */
function nextSession(run: RunContext, resumes: boolean): { sessionId: string | null; resumed: boolean } {
  if (!resumes) return { sessionId: null, resumed: false };
  const { verdict } = run.state;
  if (verdict !== null) return { sessionId: verdict.sessionId, resumed: true };
  const { resume } = run.spec;
  if (resume !== null) return { sessionId: resume.sessionId, resumed: true };
  return { sessionId: randomUUID(), resumed: false };
}
