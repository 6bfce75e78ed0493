import type { Logger } from "../../platform/log.ts";
import type { CommandError, DaemonMessage } from "../../protocol/link.ts";
import { finishCommand } from "../commands/commands.ts";
import { holdsIdentity } from "../daemons/identity.ts";
import type { Holder } from "../daemons/identity.ts";
import type { Write } from "../db/store.ts";
import { endOperation } from "../operations/end.ts";
import { endRun } from "../runs/end.ts";
import { isRunLive } from "../runs/runs.ts";

export type CommandDone = Extract<DaemonMessage, { type: "commandDone" }>;

/**
 * Marks a command as done, once. An operation ends with it; a task that its daemon could not spawn has failed for the
 * reason given. A clean-up that failed is given again when the daemon says, as it next connects, that it has still
 * something to remove. false, having changed nothing, where the connection does not hold the daemon's identity.
 */
export async function commandDone(tx: Write, holder: Holder, done: CommandDone, log: Logger): Promise<boolean> {
  if (!(await holdsIdentity(tx.db, holder))) return false;
  const error = done.error === null ? null : fitError(done.error);
  const command = await finishCommand(tx, holder.daemonId, done.id, error?.message ?? null);
  if (command === null) return true;
  const { runId, operationId, contractId } = command;
  if (operationId !== null) await endOperation(tx, operationId, { result: done.result, error }, log);
  if (error === null) return true;
  log.warn(
    { command: command.kind, run: runId, operation: operationId, contract: contractId, error },
    "a daemon could not execute a command",
  );
  if (command.kind !== "SpawnTask" || runId === null || !(await isRunLive(tx.db, runId))) return true;
  const run = await tx.db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select(["runs.id as runId", "tasks.id as taskId", "tasks.contract_id as contractId"])
    .where("runs.id", "=", runId)
    .executeTakeFirstOrThrow();
  await endRun(tx, run, "failed", error.message, { error_code: error.code, hint: error.hint });
  return true;
}

/** UTF-16 units of each part of an error: it goes to everybody who follows the changes. */
const MAX_ERROR = 4_000;

function fitError({ code, message, hint }: CommandError): CommandError {
  const fit = (text: string) => text.slice(0, MAX_ERROR).toWellFormed();
  return { code: fit(code), message: fit(message), hint: fit(hint) };
}
