import { MakimaError } from "../../core/errors.ts";
import { shortId } from "../../core/ids.ts";
import type { Checkpoint } from "../../protocol/api.ts";
import { fromJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { TaskFacts } from "./facts.ts";
import type { OperationRow } from "./rows.ts";

/** The commit of one of the task's checkpoints. Throws `not_found`. */
export async function checkpointCommit(db: Db, taskId: string, name: string): Promise<string> {
  const row = await db
    .selectFrom("checkpoints")
    .select("commit_id")
    .where("task_id", "=", taskId)
    .where("name", "=", name)
    .executeTakeFirst();
  if (row !== undefined) return row.commit_id;
  throw new MakimaError("not_found", `The task has no checkpoint ${name}`, {
    hint: `List them with \`makima supervisor checkpoints ${shortId(taskId)}\`.`,
  });
}

/** The name of a further checkpoint, after the latest iteration: `3.1`, then `3.2`. No open order has it either. */
export async function nextCheckpoint(db: Db, { id, contractId, run }: TaskFacts): Promise<string> {
  const iteration = run === null ? 0 : await latestIteration(db, run.id);
  const prefix = `${iteration}.`;
  const taken = [...(await storedNames(db, id)), ...(await orderedNames(db, contractId, id))];
  const numbers = taken.flatMap((name) => (name.startsWith(prefix) ? [Number(name.slice(prefix.length))] : []));
  return `${prefix}${Math.max(0, ...numbers.filter(Number.isSafeInteger)) + 1}`;
}

async function latestIteration(db: Db, runId: string): Promise<number> {
  const row = await db
    .selectFrom("iterations")
    .select((eb) => eb.fn.max("index").as("index"))
    .where("run_id", "=", runId)
    .executeTakeFirst();
  return row?.index ?? 0;
}

async function storedNames(db: Db, taskId: string): Promise<string[]> {
  const rows = await db.selectFrom("checkpoints").select("name").where("task_id", "=", taskId).execute();
  return rows.map(({ name }) => name);
}

/** By its contract, for open operations have an index of that. */
async function orderedNames(db: Db, contractId: string, taskId: string): Promise<string[]> {
  const rows = await db
    .selectFrom("operations")
    .select("order")
    .where("contract_id", "=", contractId)
    .where("task_id", "=", taskId)
    .where("ended_at", "is", null)
    .execute();
  return rows.flatMap(({ order: json }) => {
    const order = fromJson(json);
    if (order.kind === "CreateCheckpoint") return [order.name];
    return order.kind === "RestoreCheckpoint" ? [order.save] : [];
  });
}

/** Notes a checkpoint that a daemon has made for an operation. */
export async function keepCheckpoint(
  tx: Write,
  { task_id }: Pick<OperationRow, "task_id">,
  { name, ref, commit, message }: Pick<Checkpoint, "name" | "ref" | "commit" | "message">,
): Promise<void> {
  if (task_id === null) return;
  const task = await tx.db.selectFrom("tasks").select("run_id").where("id", "=", task_id).executeTakeFirstOrThrow();
  const row = { commit_id: commit, ref, message, run_id: task.run_id ?? "", created_at: tx.now };
  await tx.db
    .insertInto("checkpoints")
    .values({ task_id, name, ...row })
    .onConflict((it) => it.columns(["task_id", "name"]).doUpdateSet(row))
    .execute();
}
