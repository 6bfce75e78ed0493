import { MakimaError } from "../../core/errors.ts";
import type { CreateContract, Task } from "../../protocol/api.ts";
import { getContract } from "../contracts/contracts.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { moveTask } from "./move.ts";
import { getTask } from "./view.ts";

/** Makes a failed or cancelled task pending again, for a run that goes on where the last one stopped. */
export async function resumeTask(
  tx: Write,
  id: string,
  settings: CreateContract["settings"] | undefined,
): Promise<Task> {
  const { contractId } = await getTask(tx.db, id);
  const contract = await getContract(tx.db, contractId);
  if (contract.status !== "active") throw new MakimaError("conflict", `The task's contract is ${contract.status}`);
  if (settings !== undefined) {
    await tx.db
      .updateTable("tasks")
      .set({ settings: toJson(settings) })
      .where("id", "=", id)
      .execute();
  }
  tx.wake(DISPATCH_TOPIC);
  return moveTask(tx, id, "resume", {});
}
