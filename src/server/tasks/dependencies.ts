import { sql } from "kysely";
import { findCycle } from "../../core/dependencies.ts";
import { MakimaError } from "../../core/errors.ts";
import type { Db, Write } from "../db/store.ts";
import { isFullId, resolveAmong, resolveId } from "../ids.ts";
import { changeTask } from "./change.ts";
import { isMet } from "./rows.ts";
import { publishTask } from "./view.ts";

/** The full ids of `given`. Throws `not_found`, `ambiguous`, or `invalid_request` for a task of another contract. */
export async function resolveDependencies(db: Db, contractId: string, given: readonly string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const id of given) ids.add(await resolveSibling(db, contractId, id));
  return [...ids];
}

/**
 * The full id of a task of the contract; what is shortened is looked for in that contract alone. Throws `not_found`,
 * `ambiguous`, or `invalid_request` for the full id of a task of another contract.
 */
export async function resolveSibling(db: Db, contractId: string, given: string): Promise<string> {
  if (!isFullId(given)) {
    return resolveAmong(db, sql`(select id from tasks where contract_id = ${contractId})`, "tasks", given);
  }
  const id = await resolveId(db, "tasks", given);
  const task = await db.selectFrom("tasks").select("contract_id").where("id", "=", id).executeTakeFirstOrThrow();
  if (task.contract_id === contractId) return id;
  throw new MakimaError("invalid_request", `Task ${id} belongs to another contract`, {
    hint: "A task can only wait for, or be listed under, tasks of its own contract.",
  });
}

/**
 * Makes the task wait for these tasks and no others. Throws `invalid_request` when they would then wait for each other.
 */
export async function setDependencies(
  tx: Write,
  task: { id: string; contract_id: string },
  after: readonly string[],
): Promise<void> {
  await tx.db.deleteFrom("dependencies").where("task_id", "=", task.id).execute();
  if (after.length > 0) {
    const rows = after.map((id) => ({ task_id: task.id, after_id: id }));
    await tx.db.insertInto("dependencies").values(rows).execute();
  }
  await refuseCycle(tx.db, task);
  await changeTask(tx, task.id, { blocked: openDependencies(task.id) });
}

/**
 * A task has ended or was merged, or that is to be done again: that changes whether, or at least why, the tasks after it
 * have to wait.
 */
export async function tellDependants(tx: Write, id: string): Promise<void> {
  const dependants = await tx.db
    .selectFrom("dependencies")
    .innerJoin("tasks", "tasks.id", "dependencies.task_id")
    .select(["tasks.id", "tasks.status"])
    .where("dependencies.after_id", "=", id)
    .execute();
  for (const dependant of dependants) {
    await changeTask(tx, dependant.id, { blocked: openDependencies(dependant.id) });
    if (dependant.status === "pending") await publishTask(tx, dependant.id);
  }
}

async function refuseCycle(db: Db, { id, contract_id }: { id: string; contract_id: string }): Promise<void> {
  const rows = await db
    .selectFrom("dependencies")
    .innerJoin("tasks", "tasks.id", "dependencies.task_id")
    .innerJoin("tasks as earlier", "earlier.id", "dependencies.after_id")
    .select(["dependencies.task_id", "dependencies.after_id", "earlier.name"])
    .where("tasks.contract_id", "=", contract_id)
    .execute();
  const after = Map.groupBy(rows, (row) => row.task_id);
  const cycle = findCycle(new Map([...after].map(([task, list]) => [task, list.map((row) => row.after_id)])), id);
  if (cycle === null) return;
  // Whoever is part of a cycle is waited for, and so has a row with its name.
  const names = new Map(rows.map((row) => [row.after_id, row.name]));
  const round = [...cycle, ...cycle.slice(0, 1)].map((each) => names.get(each));
  throw new MakimaError("invalid_request", `The tasks would wait for each other: ${round.join(" -> ")}`, {
    hint: "Leave out one of these dependencies.",
  });
}

/** How many of a task's dependencies are not met; what failed can still be resumed, and what conflicts be merged. */
function openDependencies(id: string) {
  return sql<number>`(
    select count(*) from dependencies join tasks as earlier on earlier.id = dependencies.after_id
    where dependencies.task_id = ${id} and not ${isMet("earlier")})`;
}
