import type { Updateable } from "kysely";
import type { RunEventOf } from "../../protocol/run-events.ts";
import { revokeRunKeys } from "../auth/keys.ts";
import { completeIfDone } from "../contracts/contracts.ts";
import type { Write } from "../db/store.ts";
import type { RunsTable } from "../db/tables.ts";
import { DISPATCH_TOPIC, ENDED_RUNS_TOPIC, runEndedTopic } from "../db/wakeups.ts";
import { notifyRunEnded } from "../notifications/occasions.ts";
import { moveTask } from "../tasks/move.ts";
import type { Lease } from "./lease.ts";
import { moveRun } from "./runs.ts";

const ENDING = { completed: "complete", failed: "fail", cancelled: "cancel" } as const;

/**
 * Ends a run and with it its task's present attempt. Throws `conflict`, having changed nothing, when the run has ended
 * already.
 */
export async function endRun(
  tx: Write,
  lease: Lease,
  outcome: RunEventOf<"finished">["outcome"],
  reason: string,
  details: Updateable<RunsTable>,
): Promise<void> {
  const { runId, taskId, contractId } = lease;
  const event = ENDING[outcome];
  await moveRun(tx, runId, event, { ...details, ended_at: tx.now });
  await moveTask(tx, taskId, event, { reason });
  await revokeRunKeys(tx, runId);
  await notifyRunEnded(tx, lease, outcome, reason);
  if (outcome === "completed") await completeIfDone(tx, contractId);
  for (const topic of [DISPATCH_TOPIC, ENDED_RUNS_TOPIC, runEndedTopic(runId)]) tx.wake(topic);
}
