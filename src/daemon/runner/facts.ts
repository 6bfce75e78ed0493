import { parseUsageLimit } from "../../core/usage-limit.ts";
import type { IterationFacts } from "../../core/verdict.ts";
import type { Agent } from "../agents/agent.ts";
import { fileTail } from "../checks/output-tail.ts";
import type { RunContext } from "./context.ts";
import type { Observation } from "./observe.ts";
import type { OpenIteration } from "./run-state.ts";

/** Everything that the classification of an ended iteration depends on. */
export async function factsOf(
  run: RunContext,
  { agent, observation, open, dir }: { agent: Agent; observation: Observation; open: OpenIteration; dir: string },
): Promise<IterationFacts> {
  const { exit, result, error, expiry } = observation;
  const failed = result === null ? exit.kind !== "exited" || exit.code !== 0 : result.isError;
  return {
    cancelled: run.cancelled !== null,
    interrupted: observation.interrupted,
    usageLimit: parseUsageLimit({
      event: observation.usageLimit,
      text: result?.text ?? error?.text ?? "",
      failed,
      now: run.now(),
    }),
    expiry,
    exit,
    result,
    reportsResult: agent.reportsResult,
    error,
    errorOutput: (await fileTail(`${dir}/err`)).trim(),
    contextLost: contextLost(open, observation),
    gate: observation.gate,
  };
}

/** The agent answered from another session than the one it was to go on with, or does not know that one. */
function contextLost({ started }: OpenIteration, { sessionId, result }: Observation): boolean {
  if (!started.resumed || started.sessionId === null) return false;
  if (result?.isError === true && result.text.startsWith("No conversation found")) return true;
  return sessionId !== null && sessionId !== started.sessionId;
}
