import { MakimaError } from "../../core/errors.ts";
import { CONTRACT, isTerminal, TASK } from "../../core/task-state.ts";
import type { ContractState } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { LoopLimits } from "../../protocol/run-spec.ts";
import { getContract } from "../contracts/contracts.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { queueOf } from "../dispatch/queue.ts";
import { lastBegunRun } from "../runs/runs.ts";
import type { TaskChange } from "./change.ts";
import { moveTask } from "./move.ts";
import { releaseTask } from "./pause.ts";
import { taskRow } from "./rows.ts";
import type { TaskRow } from "./rows.ts";
import { getTask } from "./view.ts";

type ChangedLimits = Readonly<Partial<Record<keyof LoopLimits, unknown>>>;

/**
 * Has a paused task go on; asking again changes nothing. Makes a failed or cancelled one pending again, for a run that
 * goes on where the last one stopped, with `changed` limits. Throws `conflict` for every other.
 */
export async function resumeTask(tx: Write, id: string, changed: ChangedLimits): Promise<Task> {
  const task = await taskRow(tx.db, id);
  const contract = await getContract(tx.db, task.contract_id);
  tx.wake(DISPATCH_TOPIC);
  if (isTerminal(TASK, task.status)) {
    if (!isTerminal(CONTRACT, contract.status)) return anew(tx, task, changed);
    throw new MakimaError("conflict", `The task's contract is ${contract.status}`);
  }
  await goOn(tx, task, contract.status, changed);
  return getTask(tx.db, id);
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

async function anew(tx: Write, { id, contract_id, labels }: TaskRow, changed: ChangedLimits): Promise<Task> {
  const run = await lastBegunRun(tx.db, id);
  // What was left on a lost daemon was given up.
  const home = run === null || run.status === "fenced" ? null : run.daemon_id;
  const queue = queueOf(contract_id, fromJson(labels), home);
  return moveTask(tx, id, "resume", {}, { ...(await changedSettings(tx, id, changed)), home, queue, hold: null });
}

async function changedSettings(tx: Write, id: string, changed: ChangedLimits): Promise<TaskChange> {
  if (Object.keys(changed).length === 0) return {};
  const row = await tx.db.selectFrom("tasks").select("settings").where("id", "=", id).executeTakeFirstOrThrow();
  const settings = fromJson(row.settings);
  return { settings: toJson({ ...settings, limits: LoopLimits.parse({ ...settings.limits, ...changed }) }) };
}
