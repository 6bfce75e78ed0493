import type { Updateable } from "kysely";
import type { RunEventOf } from "../../protocol/run-events.ts";
import { revokeRunKeys } from "../auth/keys.ts";
import { cleanUpAfter } from "../contracts/clean-up.ts";
import { completeIfDone } from "../contracts/completion.ts";
import type { Write } from "../db/store.ts";
import type { RunsTable } from "../db/tables.ts";
import { DISPATCH_TOPIC, ENDED_RUNS_TOPIC, runEndedTopic } from "../db/wakeups.ts";
import { giveBackUnheard } from "../messages/messages.ts";
import { notifyRunEnded } from "../notifications/occasions.ts";
import { isMergeWanted, orderMerge } from "../operations/merge-queue.ts";
import { moveTask } from "../tasks/move.ts";
import type { Lease } from "./lease.ts";
import { daemonOf, moveRun } from "./runs.ts";

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
  // In one step, so that nobody who waits for the task takes it for over before it is merged.
  const merges = outcome === "completed" && (await isMergeWanted(tx.db, taskId));
  await moveTask(tx, taskId, event, { reason }, merges ? { merge: "queued" } : {});
  await revokeRunKeys(tx, runId);
  await giveBackUnheard(tx, taskId, runId);
  await cleanUpAfter(tx, contractId, await daemonOf(tx.db, runId));
  await notifyRunEnded(tx, lease, outcome, reason);
  if (merges) await orderMerge(tx, taskId);
  if (outcome === "completed") await completeIfDone(tx, contractId);
  for (const topic of [DISPATCH_TOPIC, ENDED_RUNS_TOPIC, runEndedTopic(runId)]) tx.wake(topic);
}
