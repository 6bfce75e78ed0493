import { ERRORS } from "../../core/errors.ts";
import { isTerminal, OPERATION, TASK } from "../../core/task-state.ts";
import type { CommandError } from "../../protocol/link.ts";
import type { OperationOrder } from "../../protocol/operations.ts";
import { giveOrder } from "../commands/commands.ts";
import type { OperationsTable } from "../db/contract-tables.ts";
import { nextNumber } from "../db/counters.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { COLUMNS, contractOf, moveOperation, operationRow, publishOperation } from "./rows.ts";
import type { OperationRow } from "./rows.ts";

export interface NewOperation {
  /** null: it is about the daemon itself. */
  contractId: string | null;
  taskId: string | null;
  daemonId: string;
  origin: OperationsTable["origin"];
  order: OperationOrder;
}

/** Writes an operation down and gives it to its daemon, or lets it wait for those before it. Gives its id. */
export async function addOperation(tx: Write, { order, ...operation }: NewOperation): Promise<string> {
  const { contractId, taskId, daemonId, origin } = operation;
  const id = newId(tx.now);
  // What moves branches that several tasks share goes one after the other.
  const queue = order.kind === "MergeBranch" || order.kind === "CreatePullRequest" ? contractId : null;
  await tx.db
    .insertInto("operations")
    .values({
      id,
      kind: order.kind,
      contract_id: contractId,
      task_id: taskId,
      daemon_id: daemonId,
      queue,
      seq: await nextNumber(tx, "operations"),
      status: OPERATION.initial,
      origin,
      order: toJson(order),
      result: null,
      error: null,
      created_at: tx.now,
      ended_at: null,
    })
    .execute();
  await publishOperation(tx, id);
  if (queue === null) await give(tx, await operationRow(tx.db, id));
  else await giveNext(tx, queue);
  return id;
}

/**
 * Gives the first that waits in a queue, unless one of it is under way; what has become pointless while it waited fails
 * instead. Whoever ends an operation calls this in the same transaction, so that no queue ever stands still.
 */
export async function giveNext(tx: Write, queue: string): Promise<void> {
  for (;;) {
    const first = await firstOf(tx.db, queue);
    if (first === undefined || first.status !== "queued") return;
    const obstacle = await obstacleTo(tx.db, first);
    if (obstacle === null) return give(tx, first);
    await moveOperation(tx, first, "fail", { ended_at: tx.now, error: toJson(obstacle) });
  }
}

async function give(tx: Write, row: OperationRow): Promise<void> {
  await moveOperation(tx, row, "give", {});
  await giveOrder(tx, row.daemon_id, row.id, fromJson(row.order));
}

async function firstOf(db: Db, queue: string): Promise<OperationRow | undefined> {
  return db
    .selectFrom("operations")
    .select(COLUMNS)
    .where("queue", "=", queue)
    .where("ended_at", "is", null)
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
}

/** Why an operation that has waited in a contract's queue has become pointless; null: it has not. */
async function obstacleTo(db: Db, operation: OperationRow): Promise<CommandError | null> {
  const { task_id, origin, order } = operation;
  const contract = await db
    .selectFrom("contracts")
    .select("status")
    .where("id", "=", contractOf(operation))
    .executeTakeFirstOrThrow();
  if (contract.status === "deleted") return conflict("Its contract was deleted meanwhile");
  const branch = movedBranch(fromJson(order));
  if (task_id === null || branch === null) return null;
  const task = await db
    .selectFrom("tasks")
    .select(["status", "branch", "merge"])
    .where("id", "=", task_id)
    .executeTakeFirstOrThrow();
  if (!isTerminal(TASK, task.status)) return conflict(`Its task is ${task.status} now`);
  if (origin === "queue" && task.merge !== "queued") return conflict("Its task waits for no merge any more");
  return task.branch === branch ? null : conflict(`Its task works on another branch now: ${task.branch}`);
}

/** The branch whose state is to go elsewhere; null for what only looks. */
function movedBranch(order: OperationOrder): string | null {
  if (order.kind === "CreatePullRequest") return order.branch;
  return order.kind === "MergeBranch" && !order.dryRun ? order.place.branch : null;
}

function conflict(message: string): CommandError {
  return { code: "conflict", message, hint: ERRORS.conflict.hint };
}
