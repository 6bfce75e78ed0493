import type { Selectable, Updateable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import { isLive, isTerminal, RUN, transition } from "../../core/task-state.ts";
import type { RunEvent } from "../../core/task-state.ts";
import type { Run } from "../../protocol/api.ts";
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
  if (isTerminal(RUN, next)) tx.count({ kind: "run-ended", outcome: next });
  await publishRun(tx, id);
}

export async function isRunLive(db: Db, id: string): Promise<boolean> {
  return isLive(RUN, await runStatus(db, id));
}

/** The daemon that was given the run. */
export async function daemonOf(db: Db, id: string): Promise<string> {
  const run = await db.selectFrom("runs").select("daemon_id").where("id", "=", id).executeTakeFirstOrThrow();
  return run.daemon_id;
}

export async function updateRun(tx: Write, id: string, set: Updateable<RunsTable>): Promise<void> {
  await tx.db.updateTable("runs").set(set).where("id", "=", id).execute();
}

/** Puts the run as it now is into the change feed; its details are in its `events` stream. */
export async function publishRun(tx: Write, id: string): Promise<void> {
  const row = await tx.db.selectFrom("runs").select(SHOWN).where("id", "=", id).executeTakeFirstOrThrow();
  const { contract_id: contractId } = await tx.db
    .selectFrom("tasks")
    .select("contract_id")
    .where("id", "=", row.task_id)
    .executeTakeFirstOrThrow();
  await recordChange(tx, { kind: "run", id, contractId, data: { ...toRun(row) } });
}

/** Of one task, the latest first. */
export async function listRuns(db: Db, taskId: string): Promise<Run[]> {
  const rows = await db
    .selectFrom("runs")
    .select(SHOWN)
    .where("task_id", "=", taskId)
    .orderBy("fence", "desc")
    .execute();
  return rows.map(toRun);
}

/** The latest run that a daemon really began: one that was rejected has neither checkout nor session to go on from. */
export async function lastBegunRun(db: Db, taskId: string): Promise<Selectable<RunsTable> | null> {
  const row = await db
    .selectFrom("runs")
    .selectAll()
    .where("task_id", "=", taskId)
    .where("started_at", "is not", null)
    .orderBy("fence", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

const SHOWN = [
  "id",
  "task_id",
  "daemon_id",
  "fence",
  "status",
  "iterations",
  "created_at",
  "started_at",
  "ended_at",
  "dropped_at",
] as const satisfies (keyof RunsTable)[];

function toRun(row: Pick<Selectable<RunsTable>, (typeof SHOWN)[number]>): Run {
  return {
    id: row.id,
    taskId: row.task_id,
    daemonId: row.daemon_id,
    fence: row.fence,
    status: row.status,
    iterations: row.iterations,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    droppedAt: row.dropped_at,
  };
}

async function runStatus(db: Db, id: string): Promise<RunsTable["status"]> {
  const { status } = await db.selectFrom("runs").select("status").where("id", "=", id).executeTakeFirstOrThrow();
  return status;
}
