import { join } from "node:path";
import type { CircuitBreaker } from "../../../core/circuit-breaker.ts";
import { iterationPath } from "../../../protocol/streams.ts";
import { breakerOf } from "../breaker.ts";
import type { RunContext } from "../context.ts";
import { openInterruption } from "../interruption.ts";
import { removeKeyFile } from "../key-file.ts";
import { observe } from "../observe.ts";
import type { ObserveOptions } from "../observe.ts";
import { onAbort } from "../on-abort.ts";
import type { OpenIteration } from "../run-state.ts";
import { ensureAgent } from "../start-agent.ts";
import { conclude } from "./conclude.ts";

/** Follows the open iteration's agent to its end, starting it if no daemon has yet, and records the verdict. */
export async function iterate(run: RunContext): Promise<void> {
  const { open } = run.state;
  if (open === null) throw new Error("no iteration is open");
  try {
    await follow(run, open);
  } catch (error) {
    // An agent that a daemon lets go of may yet read its key; nobody reads that of one that could not be started.
    if (!run.detach.aborted) await removeKeyFile(join(run.directory.path, iterationPath(open.started.index)));
    throw error;
  }
}

async function follow(run: RunContext, open: OpenIteration): Promise<void> {
  const { agent, settings } = await run.agent();
  const breaker = breakerOf(run);
  const path = iterationPath(open.started.index);
  using _upload = run.upload.follow(path);
  const budgetUsdLeft = breaker.remainingUsd;
  await using process = await ensureAgent(run, { agent, settings, started: open.started, budgetUsdLeft });
  void run.catchUp();
  using _letGo = onAbort(run.detach, () => void process[Symbol.asyncDispose]());
  using interruption = await openInterruption(run, process.dir);
  const observation = await observe({
    process,
    stream: agent.createStream(),
    limits: limitsOf(run, breaker),
    elapsedMs: Math.max(0, run.now() - open.started.at),
    cancel: run.cancel.signal,
    interruption,
    toolCalled: (name, input) => breaker.recordToolCall(name, input),
  });
  await removeKeyFile(process.dir);
  await conclude(run, { open, agent, breaker, observation, dir: process.dir });
}

/** The run's own time limit holds in the middle of an iteration, too. */
function limitsOf({ spec }: RunContext, breaker: CircuitBreaker): ObserveOptions["limits"] {
  const { idleTimeoutMs, iterationTimeoutMs } = spec.limits;
  return { idleTimeoutMs, iterationTimeoutMs: Math.min(iterationTimeoutMs, breaker.remainingMs ?? iterationTimeoutMs) };
}
