import type { z } from "zod";
import type { Contract, CreateContract, Task } from "../../protocol/api.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { newId } from "../ids.ts";
import { insertTask } from "../tasks/create.ts";
import { publishTask } from "../tasks/view.ts";
import { publishContract } from "./contracts.ts";

export type NewContract = z.output<typeof CreateContract>;

/** Its first task has the contract's name and goal; what else that asks for are the defaults of the ones to come. */
export async function createContract(tx: Write, input: NewContract): Promise<{ contract: Contract; task: Task }> {
  const { name, goal, type, includeChanges, ...defaults } = input;
  const id = newId(tx.now);
  await tx.db
    .insertInto("contracts")
    .values({
      id,
      name,
      status: "active",
      type,
      goal,
      defaults: toJson(defaults),
      created_at: tx.now,
      updated_at: tx.now,
    })
    .execute();
  const taskId = await insertTask(tx, { id, name }, { ...defaults, name, goal: null, includeChanges });
  const contract = await publishContract(tx, id);
  const task = await publishTask(tx, taskId);
  tx.wake(DISPATCH_TOPIC);
  return { contract, task };
}
