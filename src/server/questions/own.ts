import { MakimaError } from "../../core/errors.ts";
import type { Principal } from "../auth/keys.ts";
import type { Db } from "../db/store.ts";

/** The run of a task's key, for a question about `taskId`; null for a person's. Throws `forbidden` for another task's key. */
export async function askingRun(db: Db, principal: Principal, taskId: string): Promise<string | null> {
  if (principal.kind !== "task") return null;
  const run = await runOfKey(db, principal);
  if (run?.taskId === taskId) return run.id;
  throw new MakimaError("forbidden", "A task's key can only ask for its own task");
}

/** Throws `forbidden` when a task's key is to withdraw what its own run has not asked. */
export async function requireOwnQuestion(db: Db, principal: Principal, questionId: string): Promise<void> {
  if (principal.kind !== "task") return;
  const run = await runOfKey(db, principal);
  const question = await db.selectFrom("questions").select("run_id").where("id", "=", questionId).executeTakeFirst();
  if (run !== undefined && question?.run_id === run.id) return;
  throw new MakimaError("forbidden", "A task's key can only withdraw what its own run has asked");
}

/** None for a key whose run has ended: nobody would read the answer. */
async function runOfKey(db: Db, { keyId }: Principal) {
  return db
    .selectFrom("keys")
    .innerJoin("runs", "runs.id", "keys.run_id")
    .select(["runs.id", "runs.task_id as taskId"])
    .where("keys.id", "=", keyId)
    .where("runs.ended_at", "is", null)
    .executeTakeFirst();
}
