import { MakimaError } from "../../core/errors.ts";
import type { Task } from "../../protocol/api.ts";
import { LoopLimits } from "../../protocol/run-spec.ts";
import { getContract } from "../contracts/contracts.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { moveTask } from "./move.ts";
import { getTask } from "./view.ts";

/** Makes a failed or cancelled task pending again, for a run that goes on where the last one stopped, with `changed` limits. */
export async function resumeTask(
  tx: Write,
  id: string,
  changed: Readonly<Partial<Record<keyof LoopLimits, unknown>>>,
): Promise<Task> {
  const { contractId } = await getTask(tx.db, id);
  const contract = await getContract(tx.db, contractId);
  if (contract.status !== "active") throw new MakimaError("conflict", `The task's contract is ${contract.status}`);
  await changeLimits(tx, id, changed);
  tx.wake(DISPATCH_TOPIC);
  return moveTask(tx, id, "resume", {});
}

async function changeLimits(
  tx: Write,
  id: string,
  changed: Readonly<Partial<Record<keyof LoopLimits, unknown>>>,
): Promise<void> {
  if (Object.keys(changed).length === 0) return;
  const row = await tx.db.selectFrom("tasks").select("settings").where("id", "=", id).executeTakeFirstOrThrow();
  const settings = fromJson(row.settings);
  const limits = LoopLimits.parse({ ...settings.limits, ...changed });
  await tx.db
    .updateTable("tasks")
    .set({ settings: toJson({ ...settings, limits }) })
    .where("id", "=", id)
    .execute();
}
