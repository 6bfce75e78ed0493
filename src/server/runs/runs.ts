import type { Updateable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { isLive, RUN, transition } from "../../core/task-state.ts";
import type { RunEvent } from "../../core/task-state.ts";
import { recordChange } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";
import type { RunsTable } from "../db/tables.ts";

/**
 * Takes a run through one event of its state machine, sets what comes with it and publishes it. Throws `conflict`,
 * having changed nothing, where the machine does not allow it.
 */
export async function moveRun(tx: Write, id: string, event: RunEvent, set: Updateable<RunsTable>): Promise<void> {
  const status = await runStatus(tx.db, id);
  const next = transition(RUN, status, event);
  if (next === null) throw new MakimaError("conflict", `The run is ${status}: it cannot ${event} now`);
  await updateRun(tx, id, { ...set, status: next });
  await publishRun(tx, id);
}

export async function isRunLive(db: Db, id: string): Promise<boolean> {
  return isLive(RUN, await runStatus(db, id));
}

export async function updateRun(tx: Write, id: string, set: Updateable<RunsTable>): Promise<void> {
  await tx.db.updateTable("runs").set(set).where("id", "=", id).execute();
}

/** Puts the run as it now is into the change feed; its details are in its `events` stream. */
export async function publishRun(tx: Write, id: string): Promise<void> {
  const run = await tx.db
    .selectFrom("runs")
    .select(["task_id as taskId", "daemon_id as daemonId", "fence", "status"])
    .select(["created_at as createdAt", "ended_at as endedAt"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  await recordChange(tx, "run", id, { ...run });
}

async function runStatus(db: Db, id: string): Promise<RunsTable["status"]> {
  const { status } = await db.selectFrom("runs").select("status").where("id", "=", id).executeTakeFirstOrThrow();
  return status;
}
