import type { Logger } from "../../platform/log.ts";
import type { CommandError } from "../../protocol/link.ts";
import { OPERATION_RESULTS } from "../../protocol/operations.ts";
import { dropOrder } from "../commands/commands.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { nudgeIdle } from "../messages/nudge.ts";
import { applyFailure, applyResult } from "./effects.ts";
import { giveNext } from "./give.ts";
import { contractOf, moveOperation, operationRow } from "./rows.ts";
import type { OperationRow } from "./rows.ts";

/** What a daemon reports of an operation: exactly one of the two, if it is in its right mind. */
export interface OperationReport {
  result: Record<string, unknown> | null;
  error: CommandError | null;
}

/** Ends an operation as its daemon reports it, with all that follows from it, and gives the next of its queue. */
export async function endOperation(tx: Write, id: string, report: OperationReport, log: Logger): Promise<void> {
  const operation = await operationRow(tx.db, id);
  const { kind } = operation;
  if (report.error !== null) return failOperation(tx, operation, report.error);
  const parsed = OPERATION_RESULTS[kind].safeParse(report.result);
  if (!parsed.success) {
    const problem = parsed.error.message.slice(0, MAX_PROBLEM);
    log.error({ operation: id, kind, problem }, "a daemon has reported a result that is none");
    return failOperation(tx, operation, NO_RESULT);
  }
  await moveOperation(tx, operation, "finish", { ended_at: tx.now, result: toJson(parsed.data) });
  await applyResult(tx, operation, parsed.data);
  await settle(tx, operation);
}

/**
 * Fails the latest operation that a daemon has not answered, and never will. false: there is none. The latest first, so
 * that none of those that wait for their turn is given to it meanwhile.
 */
export async function failLatestOf(tx: Write, daemonId: string, error: CommandError): Promise<boolean> {
  const latest = await tx.db
    .selectFrom("operations")
    .select("id")
    .where("daemon_id", "=", daemonId)
    .where("ended_at", "is", null)
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  if (latest === undefined) return false;
  await dropOrder(tx, daemonId, latest.id, error.message);
  await failOperation(tx, await operationRow(tx.db, latest.id), error);
  return true;
}

async function failOperation(tx: Write, operation: OperationRow, error: CommandError): Promise<void> {
  await moveOperation(tx, operation, "fail", { ended_at: tx.now, error: toJson(error) });
  await applyFailure(tx, operation, error);
  await settle(tx, operation);
}

async function settle(tx: Write, operation: OperationRow): Promise<void> {
  const { queue } = operation;
  if (queue === null) return;
  await giveNext(tx, queue);
  // What a supervisor has waited for may be over without a word to it.
  await nudgeIdle(tx, contractOf(operation));
}

/** UTF-16 units of a description in the log: there may be as much wrong as a frame can hold. */
const MAX_PROBLEM = 500;

const NO_RESULT: CommandError = {
  code: "internal",
  message: "The daemon has reported something that makima does not understand",
  hint: "Is the daemon of the same version as the server? The server's log has the details.",
};
