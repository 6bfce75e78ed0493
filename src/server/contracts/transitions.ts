import { MakimaError } from "../../core/errors.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { holdTask, releaseTask } from "../tasks/pause.ts";
import { liveTaskRows } from "../tasks/rows.ts";
import { stopTask } from "../tasks/stop.ts";
import { completeIfDone, getContract, moveContract } from "./contracts.ts";

/**
 * Nothing more of the contract is started, and what runs is paused; what is about to begin is paused as soon as it has.
 * Each of these transitions, asked for again, changes nothing, and throws `conflict` where the contract's state does
 * not allow it.
 */
export async function pauseContract(tx: Write, id: string): Promise<Contract> {
  const contract = await moveContract(tx, id, "pause");
  for (const task of await liveTaskRows(tx.db, id)) {
    if (task.status !== "pending" && task.hold === null) await holdTask(tx, task, "contract");
  }
  return contract;
}

/**
 * What its pause has paused goes on; what a person paused stays so. A contract that has got done meanwhile is
 * completed.
 */
export async function resumeContract(tx: Write, id: string): Promise<Contract> {
  await moveContract(tx, id, "resume");
  for (const task of await liveTaskRows(tx.db, id)) {
    if (task.hold === "contract") await releaseTask(tx, task);
  }
  tx.wake(DISPATCH_TOPIC);
  await completeIfDone(tx, id);
  return getContract(tx.db, id);
}

/** By a person's decision, whatever has become of its tasks, but not while any of them is live. */
export async function completeContract(tx: Write, id: string): Promise<Contract> {
  const { length: live } = await liveTaskRows(tx.db, id);
  if (live === 0) return moveContract(tx, id, "complete");
  throw new MakimaError("conflict", `${live} of the contract's tasks ${live === 1 ? "is" : "are"} live`, {
    hint: "Wait for them, or stop them first.",
  });
}

/** Its tasks are stopped: they end as their daemons report it. */
export async function deleteContract(tx: Write, id: string): Promise<Contract> {
  for (const task of await liveTaskRows(tx.db, id)) await stopTask(tx, task.id, "Its contract was deleted");
  return moveContract(tx, id, "delete");
}
