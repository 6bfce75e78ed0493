import type { z } from "zod";
import { shortId, slug, taskBranch } from "../../core/ids.ts";
import type { Contract, CreateContract, Task } from "../../protocol/api.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { newId } from "../ids.ts";
import { publishTask } from "../tasks/view.ts";
import { publishContract } from "./contracts.ts";

export type NewContract = z.output<typeof CreateContract>;

/** Longest slug of a contract or task in a branch name (characters). */
const MAX_SLUG = 40;

/** A contract of type `simple` is one task that has the contract's goal. */
export async function createContract(tx: Write, input: NewContract): Promise<{ contract: Contract; task: Task }> {
  const contractId = newId(tx.now);
  const { now } = tx;
  await tx.db
    .insertInto("contracts")
    .values({
      id: contractId,
      name: input.name,
      status: "active",
      type: input.type,
      goal: input.goal,
      created_at: now,
      updated_at: now,
    })
    .execute();
  const taskId = await insertTask(tx, contractId, input);
  const contract = await publishContract(tx, contractId);
  const task = await publishTask(tx, taskId);
  tx.wake(DISPATCH_TOPIC);
  return { contract, task };
}

async function insertTask(tx: Write, contractId: string, input: NewContract): Promise<string> {
  const id = newId(tx.now);
  const name = slug(input.name, MAX_SLUG);
  await tx.db
    .insertInto("tasks")
    .values({
      id,
      contract_id: contractId,
      name: input.name,
      status: "pending",
      reason: null,
      agent: input.agent,
      repository: input.repository,
      base: input.base,
      branch: taskBranch(name, name, shortId(id)),
      include_changes: input.includeChanges ? 1 : 0,
      checks: toJson(input.checks),
      settings: toJson(input.settings),
      fence: 0,
      run_id: null,
      cost_usd: 0,
      wait_until: null,
      created_at: tx.now,
      updated_at: tx.now,
    })
    .execute();
  return id;
}
