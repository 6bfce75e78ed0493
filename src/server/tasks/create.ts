import type { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { shortId, slug, taskBranch } from "../../core/ids.ts";
import { CONTRACT, isTerminal } from "../../core/task-state.ts";
import { TaskDefaults } from "../../protocol/api.ts";
import type { CreateTask, Task } from "../../protocol/api.ts";
import { fromNullableJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { queueOf } from "../dispatch/queue.ts";
import { newId } from "../ids.ts";
import { resolveDependencies, setDependencies } from "./dependencies.ts";
import { publishTask } from "./view.ts";

/**
 * Adds a task to a contract; what it does not say is as the contract has it. Throws `conflict` when the contract is
 * over, `invalid_request` or `not_found` for tasks that it cannot wait for.
 */
export async function createTask(tx: Write, contractId: string, input: z.output<typeof CreateTask>): Promise<Task> {
  const contract = await tx.db
    .selectFrom("contracts")
    .select(["id", "name", "status", "defaults"])
    .where("id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (isTerminal(CONTRACT, contract.status)) {
    throw new MakimaError("conflict", `The contract is ${contract.status}: it takes no further task`, {
      hint: "Create another contract.",
    });
  }
  const { name, goal, after: given, ...work } = input;
  const after = await resolveDependencies(tx.db, contractId, given);
  // A contract of an earlier version of makima has no defaults: the request must then say everything.
  const whole = TaskDefaults.parse({ ...fromNullableJson(contract.defaults), ...work });
  const id = await insertTask(tx, contract, { ...whole, name, goal, includeChanges: false });
  if (after.length > 0) await setDependencies(tx, { id, contract_id: contractId }, after);
  tx.wake(DISPATCH_TOPIC);
  return publishTask(tx, id);
}

export interface NewTask extends TaskDefaults {
  name: string;
  /** null: the contract's. */
  goal: string | null;
  includeChanges: boolean;
}

/** Longest slug of a contract or task in a branch name (characters). */
const MAX_SLUG = 40;

export async function insertTask(tx: Write, contract: { id: string; name: string }, task: NewTask): Promise<string> {
  const id = newId(tx.now);
  await tx.db
    .insertInto("tasks")
    .values({
      id,
      contract_id: contract.id,
      name: task.name,
      status: "pending",
      reason: null,
      goal: task.goal,
      agent: task.agent,
      repository: task.repository,
      base: task.base,
      branch: taskBranch(slug(contract.name, MAX_SLUG), slug(task.name, MAX_SLUG), shortId(id)),
      include_changes: task.includeChanges ? 1 : 0,
      checks: toJson(task.checks),
      labels: toJson(task.labels),
      settings: toJson(task.settings),
      queue: queueOf(contract.id, task.labels, null),
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
