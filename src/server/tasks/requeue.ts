import { MakimaError } from "../../core/errors.ts";
import { shortId } from "../../core/ids.ts";
import type { Task } from "../../protocol/api.ts";
import { revokeRunKeys } from "../auth/keys.ts";
import { dropCommands, hasCommand } from "../commands/commands.ts";
import { cleanUpAfter } from "../contracts/clean-up.ts";
import { fromJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC, ENDED_RUNS_TOPIC, runEndedTopic } from "../db/wakeups.ts";
import { giveBackUnheard } from "../messages/messages.ts";
import { daemonOf, moveRun } from "../runs/runs.ts";
import { moveTask } from "./move.ts";
import { queueOfRow, runOf, taskRow, WITH_RUN } from "./rows.ts";

/**
 * Gives the live run of a task up for lost, whatever its daemon still says of it. The task is pending again, for a
 * fresh start on a branch of its own, unless a person wanted it stopped: then it is cancelled. One that a person paused
 * is not started before it is resumed. Throws `conflict`, having changed nothing, when the task has no live run.
 */
export async function requeueTask(tx: Write, id: string, reason: string): Promise<Task> {
  const task = await taskRow(tx.db, id);
  if (!WITH_RUN.includes(task.status))
    throw new MakimaError("conflict", `The task is ${task.status}: it has no live run`);
  const runId = runOf(task);
  await moveRun(tx, runId, "fence", { ended_at: tx.now });
  await revokeRunKeys(tx, runId);
  const stopped = await hasCommand(tx.db, runId, "InterruptTask");
  await dropCommands(tx, runId, "The run was given up for lost");
  await giveBackUnheard(tx, id, runId);
  await cleanUpAfter(tx, task.contract_id, await daemonOf(tx.db, runId));
  for (const topic of [DISPATCH_TOPIC, ENDED_RUNS_TOPIC, runEndedTopic(runId)]) tx.wake(topic);
  if (stopped) return moveTask(tx, id, "cancel", { reason: `It was to be stopped. ${reason}` });
  const { branch, fence } = await tx.db
    .selectFrom("tasks")
    .select(["branch", "fence"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const queue = queueOfRow(task, fromJson(task.labels), null);
  const changes = { branch: branchOf(branch, id, fence + 1), home: null, queue };
  return moveTask(tx, id, "requeue", { reason }, changes);
}

/** The lost daemon's checkout may still hold the branch, so the run with this fence gets another one. */
function branchOf(branch: string, taskId: string, fence: number): string {
  const short = shortId(taskId);
  const first = branch.slice(0, branch.lastIndexOf(short) + short.length);
  return `${first}-${fence}`;
}
