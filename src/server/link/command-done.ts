import type { Logger } from "../../platform/log.ts";
import { finishCommand } from "../commands/commands.ts";
import type { Write } from "../db/store.ts";
import { endRun } from "../runs/end.ts";
import { isRunLive } from "../runs/runs.ts";

/** Marks a command as done, once. A task that its daemon could not spawn has failed for the reason given. */
export async function commandDone(
  tx: Write,
  daemonId: string,
  id: string,
  error: string | null,
  log: Logger,
): Promise<void> {
  const command = await finishCommand(tx, daemonId, id, error);
  if (command === null || error === null) return;
  log.warn({ command: command.kind, run: command.runId, reason: error }, "a daemon could not execute a command");
  if (command.kind !== "SpawnTask" || !(await isRunLive(tx.db, command.runId))) return;
  const run = await tx.db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select(["runs.id as runId", "tasks.id as taskId", "tasks.contract_id as contractId"])
    .where("runs.id", "=", command.runId)
    .executeTakeFirstOrThrow();
  await endRun(tx, run, "failed", error, {});
}
