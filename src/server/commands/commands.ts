import type { Command } from "../../protocol/link.ts";
import type { OperationOrder } from "../../protocol/operations.ts";
import { nextNumber } from "../db/counters.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { CommandsTable } from "../db/tables.ts";
import { commandsTopic } from "../db/wakeups.ts";
import { newId } from "../ids.ts";
import { daemonOf } from "../runs/runs.ts";

/** What a daemon is told of a live run. */
export type RunCommand = Exclude<Extract<Command, { runId: string }>, { kind: "SpawnTask" }>;

export type CleanupCommand = Extract<Command, { kind: "CleanupWorktree" }>;

/** Tells the daemon of a live run what to do with it. */
export async function commandRun(tx: Write, command: RunCommand): Promise<void> {
  const { runId } = command;
  await giveCommand(tx, await daemonOf(tx.db, runId), runId, command);
}

/** Gives a daemon an instruction that survives every restart until the daemon has reported it done. */
export async function giveCommand(tx: Write, daemonId: string, runId: string, command: Command): Promise<void> {
  await insertCommand(tx, daemonId, { run_id: runId }, command);
}

/** The same for an operation, whose result the daemon reports with it. */
export async function giveOrder(
  tx: Write,
  daemonId: string,
  operationId: string,
  order: OperationOrder,
): Promise<void> {
  await insertCommand(tx, daemonId, { operation_id: operationId }, order);
}

/** The same for what is about a contract as a whole, unless the daemon has yet to do what it was told before. */
export async function giveCleanup(tx: Write, daemonId: string, cleanup: CleanupCommand): Promise<void> {
  const { contractId } = cleanup;
  const open = await tx.db
    .selectFrom("commands")
    .select("id")
    .where("daemon_id", "=", daemonId)
    .where("done_at", "is", null)
    .where("contract_id", "=", contractId)
    .executeTakeFirst();
  if (open === undefined) await insertCommand(tx, daemonId, { contract_id: contractId }, cleanup);
}

async function insertCommand(
  tx: Write,
  daemonId: string,
  about: Partial<Pick<CommandsTable, "run_id" | "operation_id" | "contract_id">>,
  command: Command,
): Promise<void> {
  await tx.db
    .insertInto("commands")
    .values({
      id: newId(tx.now),
      seq: await nextNumber(tx, "commands"),
      daemon_id: daemonId,
      ...about,
      kind: command.kind,
      payload: toJson(command),
      created_at: tx.now,
      done_at: null,
      error: null,
    })
    .execute();
  tx.wake(commandsTopic(daemonId));
}

export interface OpenCommand {
  id: string;
  seq: number;
  command: Command;
}

/** Commands of a daemon that are not done, in the order given, from behind `seq` on. */
export async function openCommands(db: Db, daemonId: string, seq: number): Promise<OpenCommand[]> {
  const rows = await db
    .selectFrom("commands")
    .select(["id", "seq", "payload"])
    .where("daemon_id", "=", daemonId)
    .where("done_at", "is", null)
    .where("seq", ">", seq)
    .orderBy("seq")
    .execute();
  return rows.flatMap(({ payload, ...row }) => (payload === null ? [] : [{ ...row, command: fromJson(payload) }]));
}

/** Of what it was about, one is not null. */
export interface FinishedCommand {
  runId: string | null;
  operationId: string | null;
  contractId: string | null;
  kind: Command["kind"];
}

/** What a command that is hereby done was about, and its kind; null when it was done before or is another daemon's. */
export async function finishCommand(
  tx: Write,
  daemonId: string,
  id: string,
  error: string | null,
): Promise<FinishedCommand | null> {
  const row = await tx.db
    .updateTable("commands")
    .set({ done_at: tx.now, error, payload: null })
    .where("id", "=", id)
    .where("daemon_id", "=", daemonId)
    .where("done_at", "is", null)
    .returning(["run_id as runId", "operation_id as operationId", "contract_id as contractId", "kind"])
    .executeTakeFirst();
  return row ?? null;
}

/** Takes back what the daemon of a run has not reported done. */
export async function dropCommands(tx: Write, runId: string, reason: string): Promise<void> {
  await dropOpen(tx, reason).where("run_id", "=", runId).execute();
}

/** Takes back an operation's order; a daemon that has got it already answers in vain. */
export async function dropOrder(tx: Write, daemonId: string, operationId: string, reason: string): Promise<void> {
  // By its daemon, for open commands have an index of that and no other.
  await dropOpen(tx, reason).where("daemon_id", "=", daemonId).where("operation_id", "=", operationId).execute();
}

function dropOpen(tx: Write, reason: string) {
  return tx.db
    .updateTable("commands")
    .set({ done_at: tx.now, error: reason, payload: null })
    .where("done_at", "is", null);
}

/** Whether a daemon has yet to report such a command as done. */
export async function hasOpenCommand(db: Db, runId: string, kind: Command["kind"]): Promise<boolean> {
  const row = await db
    .selectFrom("commands")
    .select("id")
    .where("run_id", "=", runId)
    .where("kind", "=", kind)
    .where("done_at", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether a run has been given such a command that was not answered with an error. */
export async function hasCommand(db: Db, runId: string, kind: Command["kind"]): Promise<boolean> {
  const row = await db
    .selectFrom("commands")
    .select("id")
    .where("run_id", "=", runId)
    .where("kind", "=", kind)
    .where("error", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}
