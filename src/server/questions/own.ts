import { MakimaError } from "../../core/errors.ts";
import type { Principal } from "../auth/keys.ts";
import { agentOf } from "../auth/scope.ts";
import type { Db } from "../db/store.ts";
import { isRunLive } from "../runs/runs.ts";

/** The run of a task's key, for a question about `taskId`; null for a person's. Throws `forbidden` for another task's key. */
export async function askingRun(db: Db, principal: Principal, taskId: string): Promise<string | null> {
  const agent = agentOf(principal);
  if (agent === null) return null;
  // It may have ended since the request was let in: then nobody would read the answer.
  if (agent.taskId === taskId && (await isRunLive(db, agent.runId))) return agent.runId;
  throw new MakimaError("forbidden", "A task's key can only ask for its own task");
}

/** Throws `forbidden` when a task's key is to withdraw what its own run has not asked. */
export async function requireOwnQuestion(db: Db, principal: Principal, questionId: string): Promise<void> {
  const agent = agentOf(principal);
  if (agent === null) return;
  const question = await db.selectFrom("questions").select("run_id").where("id", "=", questionId).executeTakeFirst();
  if (question?.run_id === agent.runId && (await isRunLive(db, agent.runId))) return;
  throw new MakimaError("forbidden", "A task's key can only withdraw what its own run has asked");
}
