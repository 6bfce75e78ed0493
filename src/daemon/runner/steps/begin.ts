import { randomUUID } from "node:crypto";
import { firstPrompt, nextPrompt, withMessages } from "../../../core/prompts.ts";
import { waitUntil } from "../../../core/usage-limit.ts";
import type { UsageLimit } from "../../../core/usage-limit.ts";
import type { RunEventOf } from "../../../protocol/run-events.ts";
import { promptExcerpt } from "../../journal/run-directory.ts";
import type { RunContext } from "../context.ts";
import { goalOf, promptOf, told } from "../prompt.ts";

/**
 * Decides prompt and session of the next iteration and records them; the agent is started by the next step. While another
 * run of the agent waits for a usage limit, this one waits too; and a run that is paused meanwhile begins nothing.
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
  if (state.verdict === null) await run.directory.writePrompt(index, openingPrompt(run, agent.resumes));
  const { messages, prompt } = await addMessages(run, index);
  if (run.wishes.paused) return;
  // Messages first: should a dying machine keep only part of this write, they belong to the iteration that begins then.
  run.record(...messages, {
    type: "iteration-started",
    at: run.now(),
    index,
    ...nextSession(run, agent.resumes),
    tree: before.tree,
    head: before.head,
    prompt: promptExcerpt(prompt),
  });
}

/** Makes what is still to be said to the agent part of this iteration's prompt. */
async function addMessages(
  run: RunContext,
  index: number,
): Promise<{ messages: RunEventOf<"message">[]; prompt: string }> {
  const unheard = run.unheard;
  const at = run.now();
  const messages = unheard.map(async ({ id, kind }) => {
    const text = promptExcerpt(await run.wishes.text(id));
    return { type: "message" as const, at, index, id, kind, text };
  });
  return {
    messages: await Promise.all(messages),
    prompt: withMessages(await promptOf(run, index), await told(run, unheard)),
  };
}

/** What holds the run back: nothing, where it is not to wait, for its own attempt then says so. */
function sharedLimit(run: RunContext): (UsageLimit & { until: number }) | null {
  const { waitForUsageLimit, maxWaitMs } = run.spec.limits;
  const limit = run.services.usageLimits.at(run.spec.agent, run.now());
  return limit !== null && waitForUsageLimit && limit.until - run.now() <= maxWaitMs ? limit : null;
}

/** The first prompt of a run; a resumed run tells the agent that it goes on. */
function openingPrompt(run: RunContext, resumes: boolean): string {
  const { resume, supervision } = run.spec;
  const goal = goalOf(run);
  if (resume === null) return firstPrompt(goal);
  return nextPrompt({
    ...goal,
    end: { kind: "cancelled" },
    outcomes: [],
    refused: [],
    remembers: resumes && resume.sessionId !== null,
    said: [],
    supervises: supervision !== null,
  });
}

/**
 * The session that is known; else the latest of the checkout, where the last agent had one open (it named its model);
 * else a new one. A resumed run knows none when it comes from another machine: sessions lie where the agent ran.
 */
function nextSession(run: RunContext, resumes: boolean): { sessionId: string | null; resumed: boolean } {
  if (!resumes) return { sessionId: null, resumed: false };
  const { verdict } = run.state;
  const sessionId = verdict === null ? (run.spec.resume?.sessionId ?? null) : verdict.sessionId;
  const resumed = sessionId !== null || (verdict !== null && verdict.model !== null);
  return resumed ? { sessionId, resumed } : { sessionId: randomUUID(), resumed };
}
