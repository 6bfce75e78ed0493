import type { Command } from "../../protocol/link.ts";
import { nextNumber } from "../db/counters.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import { commandsTopic } from "../db/wakeups.ts";
import { newId } from "../ids.ts";

/** Gives a daemon an instruction that survives every restart until the daemon has reported it done. */
export async function giveCommand(tx: Write, daemonId: string, runId: string, command: Command): Promise<void> {
  await tx.db
    .insertInto("commands")
    .values({
      id: newId(tx.now),
      seq: await nextNumber(tx, "commands"),
      daemon_id: daemonId,
      run_id: runId,
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

/** The run and kind of a command that is hereby done; null when it was done before or is another daemon's. */
export async function finishCommand(
  tx: Write,
  daemonId: string,
  id: string,
  error: string | null,
): Promise<{ runId: string; kind: Command["kind"] } | null> {
  const row = await tx.db
    .updateTable("commands")
    .set({ done_at: tx.now, error, payload: null })
    .where("id", "=", id)
    .where("daemon_id", "=", daemonId)
    .where("done_at", "is", null)
    .returning(["run_id", "kind"])
    .executeTakeFirst();
  return row === undefined ? null : { runId: row.run_id, kind: row.kind };
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
