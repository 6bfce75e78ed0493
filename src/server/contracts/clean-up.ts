import { CONTRACT, isLive } from "../../core/task-state.ts";
import { giveCleanup } from "../commands/commands.ts";
import type { Db, Write } from "../db/store.ts";
import { slices } from "../slices.ts";

/**
 * What a contract that is over leaves on daemons: the checkouts of its tasks, above all. Each daemon that ever worked for
 * it is told to remove that, as soon as nothing of the contract is under way there: a run ends first, because it was asked
 * to, or by itself where a supervisor has completed its contract from within; merges are made, and tell what they came to.
 */

/** To be called when a contract has come to its end. */
export async function cleanUp(tx: Write, contractId: string): Promise<void> {
  for (const [daemonId, taskIds] of await workOf(tx.db, contractId)) {
    await cleanUpOn(tx, daemonId, contractId, taskIds);
  }
}

/** To be called when a run or an operation of a contract has ended on a daemon; nothing happens while that goes on. */
export async function cleanUpAfter(tx: Write, contractId: string, daemonId: string): Promise<void> {
  const contract = await tx.db
    .selectFrom("contracts")
    .select("status")
    .where("id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (isLive(CONTRACT, contract.status)) return;
  const taskIds = (await workOf(tx.db, contractId)).get(daemonId);
  if (taskIds !== undefined) await cleanUpOn(tx, daemonId, contractId, taskIds);
}

/**
 * To be called with the tasks that a daemon says it has checkouts of: those whose contract is over it was to remove, but
 * could not, or was never told to because the database was restored from a backup.
 */
export async function cleanUpAgain(tx: Write, daemonId: string, held: readonly string[]): Promise<void> {
  const over = await overAmong(tx.db, held);
  for (const [contractId, taskIds] of [...over].slice(0, MOST_CONTRACTS)) {
    await cleanUpOn(tx, daemonId, contractId, taskIds);
  }
}

/** Contracts of one connection: no other write should wait long for this one. What is left comes with the next one. */
const MOST_CONTRACTS = 1_000;

async function cleanUpOn(tx: Write, daemonId: string, contractId: string, taskIds: readonly string[]): Promise<void> {
  if (await isUnderWay(tx.db, contractId, daemonId)) return;
  await giveCleanup(tx, daemonId, { kind: "CleanupWorktree", contractId, taskIds: [...taskIds] });
}

/** Daemon -> the contract's tasks that ever had a run on it; none that was removed. */
async function workOf(db: Db, contractId: string): Promise<Map<string, string[]>> {
  const runs = await db
    .selectFrom("tasks")
    .innerJoin("runs", "runs.task_id", "tasks.id")
    .innerJoin("daemons", "daemons.id", "runs.daemon_id")
    .select(["daemons.id as daemonId", "tasks.id as taskId"])
    .distinct()
    .where("tasks.contract_id", "=", contractId)
    .orderBy("tasks.id")
    .execute();
  return tasksBy(runs, ({ daemonId }) => daemonId);
}

/** Contract -> those of these tasks that belong to it, of contracts that are over. */
async function overAmong(db: Db, taskIds: readonly string[]): Promise<Map<string, string[]>> {
  const over: { contractId: string; taskId: string }[] = [];
  for (const ids of slices(taskIds)) {
    const tasks = await db
      .selectFrom("tasks")
      .innerJoin("contracts", "contracts.id", "tasks.contract_id")
      .select(["contracts.id as contractId", "tasks.id as taskId"])
      .where("tasks.id", "in", ids)
      .where("contracts.status", "not in", CONTRACT.live)
      .execute();
    over.push(...tasks);
  }
  return tasksBy(over, ({ contractId }) => contractId);
}

function tasksBy<T extends { taskId: string }>(rows: readonly T[], keyOf: (row: T) => string): Map<string, string[]> {
  const groups = [...Map.groupBy(rows, keyOf)];
  return new Map(groups.map(([key, own]) => [key, own.map(({ taskId }) => taskId)]));
}

async function isUnderWay(db: Db, contractId: string, daemonId: string): Promise<boolean> {
  const run = await db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select("runs.id")
    .where("runs.daemon_id", "=", daemonId)
    .where("runs.ended_at", "is", null)
    .where("tasks.contract_id", "=", contractId)
    .executeTakeFirst();
  if (run !== undefined) return true;
  const operation = await db
    .selectFrom("operations")
    .select("id")
    .where("contract_id", "=", contractId)
    .where("ended_at", "is", null)
    .where("daemon_id", "=", daemonId)
    .executeTakeFirst();
  return operation !== undefined;
}
