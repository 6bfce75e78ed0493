import { sql } from "kysely";
import { afterMerge, givenUpText, refusalText, sendBackText } from "../../core/merging.ts";
import type { MergeFacts, MergeStep, RefusedMerge } from "../../core/merging.ts";
import { CONTRACT, isLive } from "../../core/task-state.ts";
import type { CommandError } from "../../protocol/link.ts";
import type { OperationResult, OrderOf } from "../../protocol/operations.ts";
import { completeIfDone } from "../contracts/completion.ts";
import type { Db, Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { sendMessage, tellSupervisors } from "../messages/messages.ts";
import { notifyMergeConflict, notifyMergeFailed } from "../notifications/occasions.ts";
import { changeTask } from "../tasks/change.ts";
import { tellDependants } from "../tasks/dependencies.ts";
import { runAnew } from "../tasks/resume.ts";
import { taskRow } from "../tasks/rows.ts";
import { publishTask } from "../tasks/view.ts";
import { contractOf } from "./rows.ts";
import type { OperationRow } from "./rows.ts";

/** How a merge has ended: with a result, or because it could not be tried. */
export type MergeEnd = OperationResult<"MergeBranch"> | { outcome: "error"; error: CommandError };

/** What follows from a merge that is over, for its task or, where it has none, for whoever waits for the contract. */
export async function mergeEnded(
  tx: Write,
  operation: OperationRow,
  order: OrderOf<"MergeBranch">,
  end: MergeEnd,
): Promise<void> {
  const { id: subject, task_id: taskId } = operation;
  const contractId = contractOf(operation);
  const about = { subject, contractId, into: order.into };
  if (taskId === null) return landingEnded(tx, about, end);
  const facts = await factsOf(tx.db, operation, taskId, order, end);
  await STEPS[afterMerge(facts)](tx, { ...about, taskId, end });
}

interface About {
  /** Id of the operation. */
  subject: string;
  contractId: string;
  into: string;
}

interface TaskMerge extends About {
  taskId: string;
  end: MergeEnd;
}

const STEPS: { readonly [S in MergeStep]: (tx: Write, merge: TaskMerge) => Promise<void> } = {
  nothing: async () => {},

  async merged(tx, { taskId, contractId }) {
    await setMerge(tx, taskId, "merged");
    tx.wake(DISPATCH_TOPIC);
    await completeIfDone(tx, contractId);
  },

  async "send-back"(tx, { taskId, end }) {
    await runAnew(tx, await taskRow(tx.db, taskId), { merge_attempts: sql`merge_attempts + 1` });
    if (isRefused(end)) await sendMessage(tx, taskId, "event", sendBackText(end));
    tx.wake(DISPATCH_TOPIC);
  },

  conflict: (tx, merge) => giveUp(tx, merge, "conflict"),
  failed: (tx, merge) => giveUp(tx, merge, "failed"),
};

async function factsOf(
  db: Db,
  { origin }: OperationRow,
  taskId: string,
  { into, dryRun }: OrderOf<"MergeBranch">,
  { outcome }: MergeEnd,
): Promise<MergeFacts> {
  const task = await db
    .selectFrom("tasks")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .select(["tasks.status", "tasks.merge_attempts", "contracts.integration_branch"])
    .select("contracts.status as contract")
    .where("tasks.id", "=", taskId)
    .executeTakeFirstOrThrow();
  return {
    outcome,
    integrates: !dryRun && into === task.integration_branch,
    byQueue: origin === "queue",
    task: task.status,
    sentBack: task.merge_attempts,
    contractLive: isLive(CONTRACT, task.contract),
  };
}

async function giveUp(tx: Write, { end, ...about }: TaskMerge, merge: "conflict" | "failed"): Promise<void> {
  const { taskId, contractId, into } = about;
  await setMerge(tx, taskId, merge);
  await tellPeople(tx, about, end);
  const { name } = await tx.db.selectFrom("tasks").select("name").where("id", "=", taskId).executeTakeFirstOrThrow();
  await tellSupervisors(tx, contractId, givenUpText({ task: name, into, reason: reasonOf(end) }));
}

async function landingEnded(tx: Write, about: About, end: MergeEnd): Promise<void> {
  if (end.outcome !== "merged" && end.outcome !== "up-to-date") await tellPeople(tx, { ...about, taskId: null }, end);
}

async function tellPeople(tx: Write, about: About & { taskId: string | null }, end: MergeEnd): Promise<void> {
  if (end.outcome === "conflict") await notifyMergeConflict(tx, { ...about, conflicts: end.conflicts });
  else await notifyMergeFailed(tx, { ...about, reason: reasonOf(end) });
}

async function setMerge(tx: Write, taskId: string, merge: "merged" | "conflict" | "failed"): Promise<void> {
  await changeTask(tx, taskId, { merge });
  await publishTask(tx, taskId);
  await tellDependants(tx, taskId);
}

function reasonOf(end: MergeEnd): string {
  if (end.outcome === "error") return end.error.message;
  return isRefused(end) ? refusalText(end) : `It ended as ${end.outcome}`;
}

function isRefused(end: MergeEnd): end is OperationResult<"MergeBranch"> & RefusedMerge {
  return end.outcome === "conflict" || end.outcome === "checks-failed";
}
