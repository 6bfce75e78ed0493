import type { Selectable } from "kysely";
import { TASK } from "../../core/task-state.ts";
import type { TaskState } from "../../core/task-state.ts";
import { readChanges } from "../changes/changes.ts";
import { fromJson } from "../db/json.ts";
import type { Store } from "../db/store.ts";
import type { TasksTable } from "../db/tables.ts";
import { readHeads } from "../dispatch/heads.ts";
import { queueOf } from "../dispatch/queue.ts";
import { WITH_RUN } from "../tasks/rows.ts";

/** Every violation, in words, of what holds between any two transactions, whatever has happened. */
export async function brokenRules(store: Store): Promise<string[]> {
  const found = await Promise.all([
    runsOfTasks(store),
    keysOfRuns(store),
    messagesOfRuns(store),
    sleepOfSupervisors(store),
    dispatchOfTasks(store),
    cleanUpOfContracts(store),
  ]);
  return found.flat();
}

/** The same of the change feed: no gap, versions that only grow, and statuses as the machine has them. */
export async function brokenFeed({ db }: Store): Promise<string[]> {
  const changes = await readChanges(db, 0, 100_000);
  const problems = changes.flatMap(({ seq }, index) =>
    seq === index + 1 ? [] : [`change ${seq} is the ${index + 1}th`],
  );
  const latest = new Map<string, { status: string; version: number }>();
  for (const { kind, id, data } of changes) {
    if (kind !== "task" && kind !== "contract") continue;
    const now = { status: String(data["status"]), version: Number(data["version"]) };
    const before = latest.get(id) ?? { status: now.status, version: 0 };
    latest.set(id, now);
    if (now.version < before.version) problems.push(`${kind} ${id}: version ${before.version}, then ${now.version}`);
    if (now.status === before.status) continue;
    if (now.version === before.version) problems.push(`${kind} ${id}: ${now.status} is no new version`);
    if (kind === "task" && !leadsTo(before.status as TaskState, now.status)) {
      problems.push(`task ${id}: ${before.status}, then ${now.status}`);
    }
  }
  return problems;
}

function leadsTo(from: TaskState, to: string): boolean {
  const states: readonly string[] = Object.values(TASK.transitions[from]);
  return states.includes(to);
}

/** A task has a live run exactly while a daemon has it; fences only grow, and the task holds the latest. */
async function runsOfTasks({ db }: Store): Promise<string[]> {
  const runs = await db.selectFrom("runs").selectAll().orderBy("fence").execute();
  const tasks = await db.selectFrom("tasks").selectAll().execute();
  return tasks.flatMap((task) => {
    const own = runs.filter(({ task_id }) => task_id === task.id);
    const live = own.filter(({ ended_at }) => ended_at === null);
    const problems: string[] = [];
    if (live.length !== (WITH_RUN.includes(task.status) ? 1 : 0)) problems.push(`${live.length} live, ${task.status}`);
    if (own.some(({ fence }, index) => fence !== index + 1)) problems.push("fences do not only grow");
    const latest = own.at(-1);
    if (task.fence !== own.length || task.run_id !== (latest?.id ?? null)) problems.push("not its latest run");
    if (live.some(({ id }) => id !== latest?.id)) problems.push("an earlier run is live");
    return problems.map((problem) => `task ${task.id}: ${problem}`);
  });
}

/** An agent's key works exactly as long as its run lives. */
async function keysOfRuns({ db }: Store): Promise<string[]> {
  const rows = await db
    .selectFrom("keys")
    .innerJoin("runs", "runs.id", "keys.run_id")
    .select(["runs.id", "runs.status", "runs.ended_at", "keys.revoked_at"])
    .execute();
  const wrong = rows.filter(({ ended_at, revoked_at }) => (ended_at === null) !== (revoked_at === null));
  return wrong.map(({ id, status }) => `the key of the run ${id}, which is ${status}`);
}

/** What a run was given to hear comes back when it ends: nothing is left with one that is over. */
async function messagesOfRuns({ db }: Store): Promise<string[]> {
  const rows = await db
    .selectFrom("messages")
    .innerJoin("runs", "runs.id", "messages.run_id")
    .select(["messages.id", "runs.status"])
    .where("messages.heard_at", "is", null)
    .where("runs.ended_at", "is not", null)
    .execute();
  return rows.map(({ id, status }) => `the message ${id} is with a run that is ${status}`);
}

/** Whoever sleeps until something happens is woken: by what is at work, what is asked, or what there is to hear. */
async function sleepOfSupervisors({ db }: Store): Promise<string[]> {
  const tasks = await db.selectFrom("tasks").selectAll().execute();
  const questions = await db.selectFrom("questions").select("contract_id").where("status", "=", "open").execute();
  const messages = await db.selectFrom("messages").select("task_id").where("heard_at", "is", null).execute();
  const contracts = await db.selectFrom("contracts").select("id").where("status", "=", "active").execute();
  return tasks.flatMap(({ id, contract_id, idle, status, hold }) => {
    if (idle === 0) return [];
    if (status !== "waiting") return [`task ${id}: asleep while ${status}`];
    if (hold !== null || contracts.every((active) => active.id !== contract_id)) return [];
    const woken =
      messages.some(({ task_id }) => task_id === id) ||
      questions.some((question) => question.contract_id === contract_id) ||
      tasks.some((task) => task.contract_id === contract_id && task.role === "worker" && comesToAnEnd(task));
    return woken ? [] : [`task ${id}: sleeps for ever`];
  });
}

function comesToAnEnd({ status, blocked }: { status: TaskState; blocked: number }): boolean {
  return WITH_RUN.includes(status) || (status === "pending" && blocked === 0);
}

/** What the dispatcher goes by follows from tasks, contracts and dependencies. */
async function dispatchOfTasks(store: Store): Promise<string[]> {
  const tasks = await store.db.selectFrom("tasks").selectAll().orderBy("id").execute();
  const dependencies = await store.db.selectFrom("dependencies").selectAll().execute();
  const contracts = await store.db.selectFrom("contracts").select("id").where("status", "=", "active").execute();
  const active = contracts.map(({ id }) => id);
  const heads = new Map((await readHeads(store.db)).map(({ queue, taskId }) => [queue, taskId]));
  const completed = await store.db.selectFrom("runs").select("task_id").where("status", "=", "completed").execute();
  // One that was completed when the others began may be done further since.
  const wasCompleted = (id: string) => completed.some(({ task_id }) => task_id === id);
  const seen = new Set<string>();
  return tasks.flatMap((task) => {
    const after = dependencies.flatMap(({ task_id, after_id }) => (task_id === task.id ? [after_id] : []));
    const open = after.filter((id) => !isMet(tasks.find((earlier) => earlier.id === id)));
    const early = open.some((id) => !wasCompleted(id)) && !["pending", "failed", "cancelled"].includes(task.status);
    const demand = { contractId: task.contract_id, role: task.role, labels: fromJson(task.labels), home: task.home };
    const problems: string[] = [];
    if (task.blocked !== open.length) problems.push(`blocked ${task.blocked}, not ${open.length}`);
    if (early) problems.push("came too early");
    if (task.queue !== queueOf(demand)) problems.push("in another queue");
    const ready = task.status === "pending" && open.length === 0 && task.hold === null;
    if (ready && active.includes(task.contract_id) && !seen.has(task.queue)) {
      seen.add(task.queue);
      if (heads.get(task.queue) !== task.id) problems.push("not the first of its queue");
    }
    return problems.map((problem) => `task ${task.id}: ${problem}`);
  });
}

/** Who has worked for a contract that is over, and does nothing for it any more, was told to clean up: others were not. */
async function cleanUpOfContracts({ db }: Store): Promise<string[]> {
  const runs = await db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .select(["contracts.id", "contracts.status", "runs.daemon_id", "runs.ended_at"])
    .execute();
  const operations = await db.selectFrom("operations").selectAll().where("ended_at", "is", null).execute();
  const commands = await db.selectFrom("commands").selectAll().where("kind", "=", "CleanupWorktree").execute();
  return [...Map.groupBy(runs, ({ id, daemon_id }) => `${id} ${daemon_id}`).values()].flatMap((own) => {
    const [{ id, daemon_id, status } = { id: "", daemon_id: "", status: "" }] = own;
    const over = status === "completed" || status === "deleted";
    const underWay =
      own.some(({ ended_at }) => ended_at === null) ||
      operations.some((open) => open.contract_id === id && open.daemon_id === daemon_id);
    const told = commands.some((command) => command.contract_id === id && command.daemon_id === daemon_id);
    if (over && !underWay && !told) return [`${daemon_id} was not told to clean up after the contract ${id}`];
    return told && !over ? [`${daemon_id} cleans up after the contract ${id}, which is ${status}`] : [];
  });
}

function isMet(task: Pick<Selectable<TasksTable>, "status" | "merge"> | undefined): boolean {
  return task?.status === "completed" && (task.merge === null || task.merge === "merged");
}
