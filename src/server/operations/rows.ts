import type { Selectable, Updateable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { isTerminal, OPERATION, transition } from "../../core/task-state.ts";
import type { OperationEvent } from "../../core/task-state.ts";
import type { Operation } from "../../protocol/operations.ts";
import { recordChange } from "../changes/changes.ts";
import { cleanUpAfter } from "../contracts/clean-up.ts";
import type { OperationsTable } from "../db/contract-tables.ts";
import { fromNullableJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";

/** All that is known of an operation but its result, which may be large. */
export type OperationRow = Omit<Selectable<OperationsTable>, "result">;

export const COLUMNS = [
  "id",
  "kind",
  "contract_id",
  "task_id",
  "daemon_id",
  "queue",
  "seq",
  "status",
  "origin",
  "order",
  "error",
  "created_at",
  "ended_at",
] as const satisfies (keyof OperationsTable)[];

export async function operationRow(db: Db, id: string): Promise<OperationRow> {
  return db.selectFrom("operations").select(COLUMNS).where("id", "=", id).executeTakeFirstOrThrow();
}

/** The contract of an operation of a kind that is about one. */
export function contractOf({ id, contract_id }: Pick<OperationRow, "id" | "contract_id">): string {
  if (contract_id === null) throw new Error(`operation ${id} is about no contract`);
  return contract_id;
}

/** Throws `not_found`. */
export async function getOperation(db: Db, id: string): Promise<Operation> {
  const row = await db.selectFrom("operations").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no operation ${id}`);
  return { ...toOperation(row), result: fromNullableJson(row.result) };
}

/** Without its result. */
export function toOperation(row: Pick<OperationRow, (typeof SHOWN)[number]>): Operation {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    contractId: row.contract_id,
    taskId: row.task_id,
    daemonId: row.daemon_id,
    origin: row.origin,
    result: null,
    error: fromNullableJson(row.error),
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}

/** What of a row is shown: an order may be as long as a pull request. */
export const SHOWN = [
  "id",
  "kind",
  "status",
  "contract_id",
  "task_id",
  "daemon_id",
  "origin",
  "error",
  "created_at",
  "ended_at",
] as const satisfies (keyof OperationsTable)[];

/**
 * Takes an operation through one event of its state machine, sets what comes with it and publishes it. Throws
 * `conflict`, having changed nothing, where the machine does not allow it.
 */
export async function moveOperation(
  tx: Write,
  { id, status, contract_id, daemon_id }: OperationRow,
  event: OperationEvent,
  set: Updateable<OperationsTable>,
): Promise<void> {
  const next = transition(OPERATION, status, event);
  if (next === null) throw new MakimaError("conflict", `The operation is ${status}: it cannot ${event} now`);
  await tx.db
    .updateTable("operations")
    .set({ ...set, status: next })
    .where("id", "=", id)
    .execute();
  await publishOperation(tx, id);
  if (isTerminal(OPERATION, next) && contract_id !== null) await cleanUpAfter(tx, contract_id, daemon_id);
}

/** Puts the operation as it now is, without its result, into the change feed. */
export async function publishOperation(tx: Write, id: string): Promise<Operation> {
  const row = await tx.db.selectFrom("operations").select(SHOWN).where("id", "=", id).executeTakeFirstOrThrow();
  const operation = toOperation(row);
  await recordChange(tx, { kind: "operation", id, contractId: row.contract_id, data: { ...operation } });
  return operation;
}
