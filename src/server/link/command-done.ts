import type { Logger } from "../../platform/log.ts";
import type { DaemonMessage } from "../../protocol/link.ts";
import { finishCommand } from "../commands/commands.ts";
import { holdsIdentity } from "../daemons/identity.ts";
import type { Holder } from "../daemons/identity.ts";
import type { Write } from "../db/store.ts";
import { endRun } from "../runs/end.ts";
import { isRunLive } from "../runs/runs.ts";

export type CommandDone = Extract<DaemonMessage, { type: "commandDone" }>;

/**
 * Marks a command as done, once. A task that its daemon could not spawn has failed for the reason given. false, having
 * changed nothing, where the connection does not hold the daemon's identity.
 */
export async function commandDone(tx: Write, holder: Holder, done: CommandDone, log: Logger): Promise<boolean> {
  if (!(await holdsIdentity(tx.db, holder))) return false;
  const { id, error } = done;
  const command = await finishCommand(tx, holder.daemonId, id, error?.message ?? null);
  if (command === null || error === null) return true;
  log.warn({ command: command.kind, run: command.runId, error }, "a daemon could not execute a command");
  if (command.kind !== "SpawnTask" || !(await isRunLive(tx.db, command.runId))) return true;
  const run = await tx.db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select(["runs.id as runId", "tasks.id as taskId", "tasks.contract_id as contractId"])
    .where("runs.id", "=", command.runId)
    .executeTakeFirstOrThrow();
  await endRun(tx, run, "failed", error.message, { error_code: error.code, hint: error.hint });
  return true;
}
