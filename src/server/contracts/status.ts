import { nextPhase } from "../../core/phases.ts";
import { suggestions } from "../../core/suggestions.ts";
import type { SuggestedTask } from "../../core/suggestions.ts";
import type { ContractStatus, Question, TaskStatus } from "../../protocol/api.ts";
import { fromJson } from "../db/json.ts";
import type { Db } from "../db/store.ts";
import { listQuestions } from "../questions/list.ts";
import { listReports } from "../reports/reports.ts";
import { getContract, isBudgetSpent } from "./contracts.ts";
import { isUnmerged, progressOf } from "./progress.ts";
import type { TaskProgress } from "./progress.ts";

/** Questions and reports of one look; the lists have all of them. */
const OPEN_QUESTIONS = { limit: 100 };
const LATEST_REPORTS = { limit: 10 };

/** Where a contract stands. Takes the same few queries for every contract, over rows of that contract only. */
export async function contractStatus(db: Db, id: string): Promise<ContractStatus> {
  const contract = await getContract(db, id);
  const { tasks, deliverables } = await progressOf(db, contract);
  const { items: openQuestions } = await listQuestions(db, { open: true, contractId: id }, OPEN_QUESTIONS);
  const { items: reports } = await listReports(db, id, LATEST_REPORTS);
  const failing = await failingChecks(db, tasks);
  const next = nextPhase(contract.type, contract.phase);
  const unmerged = tasks.filter((task) => isUnmerged(contract, task));
  return {
    contract,
    nextPhase: next,
    deliverables,
    tasks: countsOf(tasks),
    unmerged: unmerged.map((task) => ({ id: task.id, name: task.name, merge: task.merge ?? "" })),
    openQuestions,
    reports,
    suggestions: suggestions({
      status: contract.status,
      budgetSpent: isBudgetSpent(contract),
      nextPhase: next,
      deliverables,
      tasks: tasks.map((task) => toSuggested(task, unmerged, failing)),
      questions: openQuestions.map((question) => toSuggestedQuestion(question, tasks)),
    }),
  };
}

/** Failed tasks whose checks are looked at: more are not suggested at the same time. */
const LOOKED_AT = 5;

/** Names of the checks that failed last, by task: of the first of those that failed. */
async function failingChecks(db: Db, tasks: readonly TaskProgress[]): Promise<Map<string, string[]>> {
  const runs = tasks.flatMap(({ status, run_id }) => (status === "failed" && run_id !== null ? [run_id] : []));
  if (runs.length === 0) return new Map();
  const rows = await db
    .selectFrom("runs")
    .select(["task_id", "checks"])
    .where("id", "in", runs.slice(0, LOOKED_AT))
    .execute();
  return new Map(
    rows.map(({ task_id, checks }) => [
      task_id,
      fromJson(checks).flatMap(({ name, passed }) => (passed ? [] : [name])),
    ]),
  );
}

function countsOf(tasks: readonly TaskProgress[]): Partial<Record<TaskStatus, number>> {
  const counts: Partial<Record<TaskStatus, number>> = {};
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function toSuggested(
  task: TaskProgress,
  unmerged: readonly TaskProgress[],
  failing: ReadonlyMap<string, string[]>,
): SuggestedTask {
  const { id, name, role, status, reason, idle, merge } = task;
  const mergeRefused = merge !== "queued" && unmerged.includes(task);
  return { id, name, role, status, reason, idle: idle === 1, mergeRefused, failingChecks: failing.get(id) ?? [] };
}

function toSuggestedQuestion({ id, taskId, text }: Question, tasks: readonly TaskProgress[]) {
  return { id, text, task: tasks.find((task) => task.id === taskId)?.name ?? "" };
}
