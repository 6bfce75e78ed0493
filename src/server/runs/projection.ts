import { sql } from "kysely";
import type { Insertable, Updateable } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import type { CheckReport, RunEvent, RunEventOf, TamperingReport } from "../../protocol/run-events.ts";
import { addCost } from "../contracts/budget.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import type { IterationsTable } from "../db/tables.ts";
import { hearMessage } from "../messages/messages.ts";
import { nudgeIdle } from "../messages/nudge.ts";
import { notifyUsageLimit, notifyUsageLimitOver } from "../notifications/occasions.ts";
import { waitForAnswers } from "../questions/wait.ts";
import { changeTask } from "../tasks/change.ts";
import { moveTask } from "../tasks/move.ts";
import { getTask, publishTask } from "../tasks/view.ts";
import { endRun } from "./end.ts";
import type { Lease } from "./lease.ts";
import { isRunLive, moveRun, updateRun } from "./runs.ts";

/**
 * Carries one event of a run into the tables, in the transaction that stores its bytes. Throws a MakimaError, having
 * changed nothing, when the task's state machine refuses it.
 */
export async function applyEvent(tx: Write, lease: Lease, event: RunEvent): Promise<void> {
  if (!(await isRunLive(tx.db, lease.runId))) throw new MakimaError("conflict", "The run has ended already");
  // The table guarantees that the entry fits the event; TypeScript cannot follow that through a lookup.
  const apply = APPLY[event.type] as Apply<RunEvent["type"]>;
  await apply(tx, lease, event);
}

type Apply<T extends RunEvent["type"]> = (tx: Write, lease: Lease, event: RunEventOf<T>) => Promise<void>;

const nothing = async (): Promise<void> => {};

const APPLY: { readonly [T in RunEvent["type"]]: Apply<T> } = {
  async started(tx, { runId, taskId }, { at, sandbox = null }) {
    await moveRun(tx, runId, "start", { started_at: at, sandbox });
    await moveTask(tx, taskId, "run", {});
    await waitForAnswers(tx, taskId);
  },

  async checkout(tx, { runId, taskId }, { worktree, base, head }) {
    await updateRun(tx, runId, { worktree, head });
    // From now on it is settled where the task started from, for its further runs as well.
    await changeTask(tx, taskId, { base, start_at: null });
    await publishTask(tx, taskId);
  },

  async baseline(tx, { runId }, { checks }) {
    await updateRun(tx, runId, { checks: toJson(checks) });
  },

  async "iteration-started"(tx, lease, { at, index, sessionId }) {
    const { runId, taskId } = lease;
    await notifyUsageLimitOver(tx, lease);
    await moveTask(tx, taskId, "run", {});
    await waitForAnswers(tx, taskId);
    await insertIteration(tx, { ...BLANK_ITERATION, run_id: runId, index, session_id: sessionId, started_at: at });
    if (sessionId !== null) await updateRun(tx, runId, { session_id: sessionId });
  },

  async gate(tx, { runId }, { index, gate }) {
    await updateIteration(tx, runId, index, { gate: gate === null ? null : toJson(gate) });
  },

  async check(tx, { runId }, { check }) {
    const before = fromJson((await runLists(tx, runId)).checks);
    await updateRun(tx, runId, { checks: toJson(withCheck(before, check)) });
  },

  async checkpoint(tx, { runId, taskId }, { index, ref, commit }) {
    const message = `After iteration ${index}`;
    const checkpoint = { run_id: runId, commit_id: commit, ref, message, created_at: tx.now };
    // Each run counts its iterations anew, and what it keeps takes the place of an earlier run's.
    await tx.db
      .insertInto("checkpoints")
      .values({ task_id: taskId, name: String(index), ...checkpoint })
      .onConflict((it) => it.columns(["task_id", "name"]).doUpdateSet(checkpoint))
      .execute();
  },

  async verified(tx, { runId }, { verification, tree, head, checks }) {
    await updateRun(tx, runId, { verification, verified_tree: tree, head, checks: toJson(checks) });
  },

  verdict: applyVerdict,

  async waiting(tx, lease, event) {
    const why = { reason: event.reason, ...(event.until === null ? {} : { waitUntil: event.until }) };
    await moveTask(tx, lease.taskId, "wait", why, { idle: event.kind === "wake-up" ? 1 : 0 });
    await notifyUsageLimit(tx, lease, event);
    if (event.kind !== "wake-up") return;
    await waitForAnswers(tx, lease.taskId);
    await nudgeIdle(tx, lease.contractId);
  },

  async paused(tx, { taskId }) {
    const { status } = await getTask(tx.db, taskId);
    // Whoever is paused while waiting does not wait any more.
    if (status === "waiting") await moveTask(tx, taskId, "run", {});
    await moveTask(tx, taskId, "pause", {});
  },

  async resumed(tx, { taskId }) {
    await moveTask(tx, taskId, "run", {});
    await waitForAnswers(tx, taskId);
  },

  message: (tx, { taskId }, { id }) => hearMessage(tx, taskId, id),
  notice: nothing,

  async finished(tx, lease, event) {
    await endRun(tx, lease, event.outcome, event.reason, {
      verification: event.verification,
      head: event.head,
      worktree: event.worktree,
      branch_kept: event.branchKept ? 1 : 0,
      diff_stat: event.diffStat === null ? null : toJson(event.diffStat),
      error_code: event.errorCode,
      hint: event.hint,
    });
  },
};

const BLANK_ITERATION = {
  gate: null,
  changed: null,
  error: null,
  verdict: null,
  reason: null,
  refused: 0,
  cost_usd: 0,
  duration_ms: null,
} as const satisfies Partial<IterationsTable>;

async function insertIteration(tx: Write, iteration: Insertable<IterationsTable>): Promise<void> {
  // A daemon that died between this event and the agent's start says it again.
  await tx.db
    .insertInto("iterations")
    .values(iteration)
    .onConflict((it) => it.columns(["run_id", "index"]).doUpdateSet(iteration))
    .execute();
}

async function updateIteration(
  tx: Write,
  runId: string,
  index: number,
  set: Updateable<IterationsTable>,
): Promise<void> {
  await tx.db.updateTable("iterations").set(set).where("run_id", "=", runId).where("index", "=", index).execute();
}

async function applyVerdict(
  tx: Write,
  { runId, taskId, contractId }: Lease,
  event: RunEventOf<"verdict">,
): Promise<void> {
  await updateIteration(tx, runId, event.index, {
    gate: event.gate === null ? null : toJson(event.gate),
    changed: event.changed ? 1 : 0,
    error: event.error,
    verdict: event.verdict,
    reason: event.reason,
    refused: event.refused ? 1 : 0,
    cost_usd: event.costUsd,
    duration_ms: event.durationMs,
  });
  const before = fromJson((await runLists(tx, runId)).tampering);
  await tx.db
    .updateTable("runs")
    .set((eb) => ({
      iterations: eb("iterations", "+", event.uncounted ? 0 : 1),
      breaker: toJson(event.breaker),
      tampering: toJson(withTampering(before, event.tampering)),
      session_id: event.sessionId,
      head: event.head,
    }))
    .where("id", "=", runId)
    .execute();
  await changeTask(tx, taskId, { cost_usd: sql`cost_usd + ${event.costUsd}` });
  const { agent } = await publishTask(tx, taskId);
  await addCost(tx, contractId, event.costUsd);
  tx.count({ kind: "iteration", agent, model: event.model, refused: event.refused, costUsd: event.costUsd });
}

async function runLists(tx: Write, runId: string) {
  return tx.db.selectFrom("runs").select(["checks", "tampering"]).where("id", "=", runId).executeTakeFirstOrThrow();
}

/** The latest outcome of each check, in the order in which the checks first ran. */
function withCheck(checks: readonly CheckReport[], latest: CheckReport): CheckReport[] {
  const others = checks.some(({ name }) => name === latest.name) ? checks : [...checks, latest];
  return others.map((check) => (check.name === latest.name ? latest : check));
}

/** Everything that any verdict flagged; of the same finding, the latest wording. */
function withTampering(before: readonly TamperingReport[], found: readonly TamperingReport[]): TamperingReport[] {
  const flags = [...before, ...found].map((flag) => [`${flag.kind} ${flag.path ?? ""}`, flag] as const);
  return [...new Map(flags).values()];
}
