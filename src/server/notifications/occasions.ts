import { WORDING } from "../../core/notifications.ts";
import type { Wording } from "../../core/notifications.ts";
import { redact } from "../../platform/redact/secrets.ts";
import type { Contract, Question } from "../../protocol/api.ts";
import type { Conflict } from "../../protocol/operations.ts";
import type { RunEventOf } from "../../protocol/run-events.ts";
import { fromNullableJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import type { Lease } from "../runs/lease.ts";
import { notify } from "./notify.ts";

/** What people are told of, each to be called in the transaction in which it happens. */

/** A run has ended. Who cancelled it knows. */
export async function notifyRunEnded(
  tx: Write,
  { runId, taskId, contractId }: Lease,
  outcome: RunEventOf<"finished">["outcome"],
  reason: string,
): Promise<void> {
  if (outcome === "cancelled") return;
  const { name: task, branch } = await taskNames(tx, taskId);
  const about = { subject: runId, contractId, taskId };
  if (outcome === "completed") {
    return notify(tx, { kind: "task-finished", ...about, ...WORDING.taskFinished({ task, reason, branch }) });
  }
  const { breaker, hint } = await tx.db
    .selectFrom("runs")
    .select(["breaker", "hint"])
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  if (stoppedBy(fromNullableJson(breaker), reason)) {
    return notify(tx, { kind: "breaker-open", ...about, ...WORDING.breakerOpen({ task, reason }) });
  }
  return notify(tx, { kind: "task-failed", ...about, ...WORDING.taskFailed({ task, reason, hint }) });
}

/** A run waits for the agent's account to have something left; a wait after an error is over before anybody looks. */
export async function notifyUsageLimit(tx: Write, lease: Lease, event: RunEventOf<"waiting">): Promise<void> {
  const { kind, until, reason } = event;
  if (kind !== "usage-limit" || until === null) return;
  const say = (task: string) => WORDING.usageLimitReached({ task, reason, until });
  await notifyOfLimit(tx, lease, "usage-limit-reached", until, say);
}

/** An iteration starts, before the task goes on: if it has waited for a usage limit that was told of, that is over. */
export async function notifyUsageLimitOver(tx: Write, lease: Lease): Promise<void> {
  const { status, wait_until: until } = await tx.db
    .selectFrom("tasks")
    .select(["status", "wait_until"])
    .where("id", "=", lease.taskId)
    .executeTakeFirstOrThrow();
  if (status !== "waiting" || until === null) return;
  const told = await tx.db
    .selectFrom("notifications")
    .select("id")
    .where("kind", "=", "usage-limit-reached")
    .where("subject", "=", limitSubject(lease, until))
    .executeTakeFirst();
  if (told === undefined) return;
  await notifyOfLimit(tx, lease, "usage-limit-over", until, (task) => WORDING.usageLimitOver({ task }));
}

/** An agent or a person waits for an answer. */
export async function notifyQuestion(tx: Write, { id, contractId, taskId, text, choices }: Question): Promise<void> {
  const { name: task } = await taskNames(tx, taskId);
  // Before the words are cut: of half a secret nobody could tell that it is one.
  const words = WORDING.questionAsked({ task, text: redact(text), choices: choices.map(redact) });
  await notify(tx, { kind: "question-asked", subject: id, contractId, taskId, ...words });
}

/** A daemon's tasks are given to others: once for each time that it goes away, however many tasks it held. */
export async function notifyDaemonLost(tx: Write, daemonId: string): Promise<void> {
  const {
    name,
    host,
    last_seen_at: since,
  } = await tx.db
    .selectFrom("daemons")
    .select(["name", "host", "last_seen_at"])
    .where("id", "=", daemonId)
    .executeTakeFirstOrThrow();
  const words = WORDING.daemonLost({ name, host, since });
  await notify(tx, { kind: "daemon-lost", subject: `${daemonId}/${since}`, contractId: null, taskId: null, ...words });
}

/** A daemon's checkouts have come to take more than they should. */
export async function notifyWorktreesFull(
  tx: Write,
  daemonId: string,
  size: { bytes: number; quota: number },
): Promise<void> {
  const daemon = await tx.db
    .selectFrom("daemons")
    .select(["id", "name", "host"])
    .where("id", "=", daemonId)
    .executeTakeFirstOrThrow();
  const words = WORDING.worktreesFull({ ...daemon, ...size });
  const subject = `${daemonId}/${tx.now}`;
  await notify(tx, { kind: "worktrees-full", subject, contractId: null, taskId: null, ...words });
}

/** A contract is completed, whoever completed it. `report`: name of the file that says what was done. */
export async function notifyContractDone(tx: Write, contractId: string, report: string): Promise<void> {
  const words = WORDING.contractDone({ contract: await contractName(tx, contractId), report });
  await notify(tx, { kind: "contract-done", subject: contractId, contractId, taskId: null, ...words });
}

/** A contract's budget is reached: once for each budget that it is given. */
export async function notifyBudgetSpent(
  tx: Write,
  { id, name: contract, costUsd }: Contract,
  budgetUsd: number,
): Promise<void> {
  const words = WORDING.budgetSpent({ contract, costUsd, budgetUsd });
  await notify(tx, { kind: "budget-spent", subject: `${id}/${budgetUsd}`, contractId: id, taskId: null, ...words });
}

/** A merge that a person has to look at. `taskId` null: that of the contract's integration branch. */
export interface FailedMerge {
  /** The merge's own: the same one is told of once. */
  subject: string;
  contractId: string;
  taskId: string | null;
  /** Branch. */
  into: string;
}

/** A merge that nobody but a person can go on with has met conflicts. */
export async function notifyMergeConflict(
  tx: Write,
  merge: FailedMerge & { conflicts: readonly Conflict[] },
): Promise<void> {
  const { subject, contractId, taskId, into, conflicts } = merge;
  const words = WORDING.mergeConflict({ what: await mergedName(tx, merge), into, conflicts });
  await notify(tx, { kind: "merge-conflict", subject, contractId, taskId, ...words });
}

/** A merge failed for good for another reason. */
export async function notifyMergeFailed(tx: Write, merge: FailedMerge & { reason: string }): Promise<void> {
  const { subject, contractId, taskId, into, reason } = merge;
  const words = WORDING.mergeFailed({ what: await mergedName(tx, merge), into, reason });
  await notify(tx, { kind: "merge-failed", subject, contractId, taskId, ...words });
}

async function mergedName(tx: Write, { contractId, taskId }: FailedMerge): Promise<string> {
  return taskId === null ? contractName(tx, contractId) : (await taskNames(tx, taskId)).name;
}

async function contractName(tx: Write, id: string): Promise<string> {
  return (await tx.db.selectFrom("contracts").select("name").where("id", "=", id).executeTakeFirstOrThrow()).name;
}

async function taskNames(tx: Write, taskId: string): Promise<{ name: string; branch: string }> {
  return tx.db.selectFrom("tasks").select(["name", "branch"]).where("id", "=", taskId).executeTakeFirstOrThrow();
}

/** A run fails for the breaker's reason when that stopped it; an open breaker alone may have stood beside another cause. */
function stoppedBy(breaker: Record<string, unknown> | null, reason: string): boolean {
  return breaker?.["state"] === "open" && breaker["reason"] === reason;
}

async function notifyOfLimit(
  tx: Write,
  lease: Lease,
  kind: "usage-limit-reached" | "usage-limit-over",
  until: number,
  say: (task: string) => Wording,
): Promise<void> {
  const { taskId, contractId } = lease;
  const { name } = await taskNames(tx, taskId);
  await notify(tx, { kind, subject: limitSubject(lease, until), contractId, taskId, ...say(name) });
}

/** A run may meet several limits one after the other. */
function limitSubject({ runId }: Lease, until: number): string {
  return `${runId}/${until}`;
}
