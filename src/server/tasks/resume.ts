import { MakimaError } from "../../core/errors.ts";
import { CONTRACT, isTerminal, TASK } from "../../core/task-state.ts";
import type { ContractState } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { getContract } from "../contracts/contracts.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { lastBegunRun } from "../runs/runs.ts";
import type { TaskChange } from "./change.ts";
import { say } from "./message.ts";
import { moveTask } from "./move.ts";
import { releaseTask } from "./pause.ts";
import { queueOfRow, taskRow } from "./rows.ts";
import type { TaskRow } from "./rows.ts";
import { settingsOf, withLimits } from "./settings.ts";
import type { ChangedLimits } from "./settings.ts";
import { getTask } from "./view.ts";

/**
 * Has a paused task go on; asking again changes nothing. Makes a failed or cancelled one pending again, for a run that
 * goes on where the last one stopped; a completed one too, if a message says what is still to be done. Throws `conflict`
 * for every other.
 */
export async function resumeTask(tx: Write, id: string, limits: ChangedLimits, message?: string): Promise<Task> {
  const task = await taskRow(tx.db, id);
  const contract = await getContract(tx.db, task.contract_id);
  await refuseWhileRestored(tx.db, task);
  // Before it goes on: its agent is to hear it first of all.
  if (message !== undefined) await say(tx, id, message);
  if (isTerminal(TASK, task.status)) {
    requireResumable(task, contract.status, message);
    await runAnew(tx, task, await changedSettings(tx, id, limits));
  } else await goOn(tx, task, contract.status, limits);
  tx.wake(DISPATCH_TOPIC);
  return getTask(tx.db, id);
}

/** An agent must not start in a checkout that a daemon is putting back to a checkpoint. */
async function refuseWhileRestored(db: Db, { id, contract_id }: TaskRow): Promise<void> {
  const restoring = await db
    .selectFrom("operations")
    .select("id")
    .where("contract_id", "=", contract_id)
    .where("ended_at", "is", null)
    .where("task_id", "=", id)
    .where("kind", "=", "RestoreCheckpoint")
    .executeTakeFirst();
  if (restoring === undefined) return;
  throw new MakimaError("conflict", "The task's checkout is being restored", { hint: "Try again in a moment." });
}

function requireResumable({ status }: TaskRow, contractStatus: ContractState, message: string | undefined): void {
  if (isTerminal(CONTRACT, contractStatus)) {
    throw new MakimaError("conflict", `The task's contract is ${contractStatus}`);
  }
  if (status !== "completed" || message !== undefined) return;
  throw new MakimaError("conflict", "The task is completed", {
    hint: "Say with --message what is still to be done.",
  });
}

/**
 * Makes an ended task pending again, for a run that goes on where the last one stopped: on the daemon that has its
 * branch, checkout and session. What was merged of a completed one stays merged; what comes now is to be merged anew.
 */
export async function runAnew(tx: Write, task: TaskRow, also: TaskChange): Promise<void> {
  const run = await lastBegunRun(tx.db, task.id);
  // What was left on a lost daemon was given up.
  const home = run === null || run.status === "fenced" ? null : run.daemon_id;
  const queue = queueOfRow(task, fromJson(task.labels), home);
  const event = task.status === "completed" ? "reopen" : "resume";
  await moveTask(tx, task.id, event, {}, { ...also, merge: null, home, queue, hold: null });
}

async function goOn(tx: Write, task: TaskRow, contractStatus: ContractState, changed: ChangedLimits): Promise<void> {
  if (task.hold === null && task.status !== "paused") {
    throw new MakimaError("conflict", `The task is ${task.status}, not paused`);
  }
  if (contractStatus !== "active") {
    throw new MakimaError("conflict", `The task's contract is ${contractStatus}`, {
      hint: "Resume the contract: what its pause has paused goes on then.",
    });
  }
  if (Object.keys(changed).length > 0) {
    throw new MakimaError("conflict", "The limits of a run stay as they are", {
      hint: "Stop the task, and resume it with other limits: that is a new run.",
    });
  }
  await releaseTask(tx, task);
}

async function changedSettings(tx: Write, id: string, changed: ChangedLimits): Promise<TaskChange> {
  if (Object.keys(changed).length === 0) return {};
  const row = await tx.db.selectFrom("tasks").select("settings").where("id", "=", id).executeTakeFirstOrThrow();
  return { settings: toJson(withLimits(settingsOf(row), changed)) };
}
