import { CONTRACT } from "../../core/task-state.ts";
import type { Command } from "../../protocol/link.ts";
import type { MessageKind } from "../../protocol/run-events.ts";
import { commandRun } from "../commands/commands.ts";
import type { Db, Write } from "../db/store.ts";
import { newId } from "../ids.ts";
import { NOT_COMPLETED, runOf, taskRow, WITH_RUN } from "../tasks/rows.ts";

/** Unheard messages of one task: who has so much to catch up with looks at how things stand instead. */
export const MOST_UNHEARD = 200;

/**
 * Puts a message into a task's inbox, for its live run or else for the next one. Of events and nudges those are left
 * out that come when there is too much to hear already.
 */
export async function sendMessage(tx: Write, taskId: string, kind: MessageKind, text: string): Promise<void> {
  if (kind !== "person" && (await countUnheard(tx.db, taskId)) >= MOST_UNHEARD) return;
  const task = await taskRow(tx.db, taskId);
  const runId = WITH_RUN.includes(task.status) ? runOf(task) : null;
  const id = newId(tx.now);
  await tx.db
    .insertInto("messages")
    .values({ id, task_id: taskId, kind, text, run_id: runId, heard_at: null, created_at: tx.now })
    .execute();
  if (runId !== null) await commandRun(tx, { kind: "MessageTask", runId, message: { id, kind, text } });
}

/** Sends an event to whoever supervises the contract, unless that is over; one that has failed hears it when it is resumed. */
export async function tellSupervisors(tx: Write, contractId: string, text: string): Promise<void> {
  const supervisors = await tx.db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", contractId)
    .where(NOT_COMPLETED)
    .where("role", "=", "supervisor")
    .where("contract_id", "in", (eb) =>
      eb.selectFrom("contracts").select("contracts.id").where("contracts.status", "in", CONTRACT.live),
    )
    .execute();
  for (const { id } of supervisors) await sendMessage(tx, id, "event", text);
}

/** What nobody has heard and no run was given, oldest first: from now on it is this run's to hear. */
export async function takeUnheard(
  tx: Write,
  taskId: string,
  runId: string,
): Promise<Extract<Command, { kind: "SpawnTask" }>["messages"]> {
  const messages = await tx.db
    .updateTable("messages")
    .set({ run_id: runId })
    .where("task_id", "=", taskId)
    .where("heard_at", "is", null)
    .where("run_id", "is", null)
    .returning(["id", "kind", "text"])
    .execute();
  return messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** The message is part of a prompt. */
export async function hearMessage(tx: Write, taskId: string, id: string): Promise<void> {
  await tx.db
    .updateTable("messages")
    .set({ heard_at: tx.now })
    .where("id", "=", id)
    .where("task_id", "=", taskId)
    .execute();
}

/** A run is over: what it has not heard is for the next one. Nudges are not, for that one begins by itself. */
export async function giveBackUnheard(tx: Write, taskId: string, runId: string): Promise<void> {
  await tx.db
    .deleteFrom("messages")
    .where("task_id", "=", taskId)
    .where("heard_at", "is", null)
    .where("run_id", "=", runId)
    .where("kind", "=", "nudge")
    .execute();
  await tx.db
    .updateTable("messages")
    .set({ run_id: null })
    .where("task_id", "=", taskId)
    .where("heard_at", "is", null)
    .where("run_id", "=", runId)
    .execute();
}

export async function countUnheard(db: Db, taskId: string): Promise<number> {
  const { count } = await db
    .selectFrom("messages")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("task_id", "=", taskId)
    .where("heard_at", "is", null)
    .executeTakeFirstOrThrow();
  return count;
}
