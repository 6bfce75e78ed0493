import { MakimaError } from "../../core/errors.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { holdTask, releaseTask } from "../tasks/pause.ts";
import { liveTaskRows } from "../tasks/rows.ts";
import { stopTask } from "../tasks/stop.ts";
import { cleanUp } from "./clean-up.ts";
import { completeIfDone } from "./completion.ts";
import { getContract, isBudgetSpent, moveContract } from "./contracts.ts";

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
 * completed. Throws `conflict` also where its budget is spent, which would pause it again at once.
 */
export async function resumeContract(tx: Write, id: string): Promise<Contract> {
  const contract = await getContract(tx.db, id);
  if (contract.status === "paused" && isBudgetSpent(contract)) {
    throw new MakimaError("conflict", "The contract's budget is spent", {
      hint: "Give it more with `makima contract update --budget`, and resume it then.",
    });
  }
  await moveContract(tx, id, "resume");
  for (const task of await liveTaskRows(tx.db, id)) {
    if (task.hold === "contract") await releaseTask(tx, task);
  }
  tx.wake(DISPATCH_TOPIC);
  await completeIfDone(tx, id);
  return getContract(tx.db, id);
}

/** Its tasks are stopped: they end as their daemons report it, and their checkouts go after that. */
export async function deleteContract(tx: Write, id: string): Promise<Contract> {
  const before = await getContract(tx.db, id);
  if (before.status === "deleted") return before;
  for (const task of await liveTaskRows(tx.db, id)) await stopTask(tx, task.id, "Its contract was deleted");
  const contract = await moveContract(tx, id, "delete");
  await cleanUp(tx, id);
  return contract;
}
