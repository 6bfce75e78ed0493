import type { Selectable } from "kysely";
import { contractReport, REPORT_FILE } from "../../core/contract-report.ts";
import type { ReportedTask } from "../../core/contract-report.ts";
import type { Contract } from "../../protocol/api.ts";
import { fromNullableJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { RunsTable, TasksTable } from "../db/tables.ts";
import { listFiles } from "../files/files.ts";
import { saveFile } from "../files/write.ts";
import { listQuestions } from "../questions/list.ts";
import { listReports } from "../reports/reports.ts";

/** The latest of each that the report quotes. */
const QUOTED = { limit: 100 };

/** Writes down what a contract has come to, as one of its files. */
export async function writeReport(tx: Write, contract: Contract): Promise<void> {
  const { db, now } = tx;
  const tasks = await reportedTasks(db, contract.id);
  const names = new Map(tasks.map(({ id, name }) => [id, name]));
  const reports = (await listReports(db, contract.id, QUOTED)).items.toReversed();
  const questions = (await listQuestions(db, { open: false, contractId: contract.id }, QUOTED)).items.toReversed();
  const text = contractReport({
    ...contract,
    endedAt: now,
    tasks: tasks.map(toReported),
    reports: reports.map((one) => ({
      task: one.taskId === null ? null : (names.get(one.taskId) ?? null),
      text: one.text,
      at: one.createdAt,
    })),
    questions: questions.map((one) => ({ task: names.get(one.taskId) ?? "", text: one.text, answer: one.answer })),
    files: (await listFiles(db, contract.id)).map(({ name }) => name),
  });
  await saveFile(tx, contract, REPORT_FILE, text);
}

async function reportedTasks(db: Db, contractId: string): Promise<TaskRow[]> {
  return db
    .selectFrom("tasks")
    .leftJoin("runs", "runs.id", "tasks.run_id")
    .select(["tasks.id", "tasks.name", "tasks.role", "tasks.status", "tasks.reason", "tasks.cost_usd", "tasks.branch"])
    .select(["tasks.merge", "runs.iterations", "runs.diff_stat", "runs.verification"])
    .where("tasks.contract_id", "=", contractId)
    .orderBy("tasks.id")
    .execute();
}

type TaskRow = Pick<
  Selectable<TasksTable>,
  "id" | "name" | "role" | "status" | "reason" | "cost_usd" | "branch" | "merge"
> & { [C in "iterations" | "diff_stat" | "verification"]: Selectable<RunsTable>[C] | null };

function toReported(row: TaskRow): ReportedTask {
  return {
    name: row.name,
    role: row.role,
    status: row.status,
    reason: row.reason,
    iterations: row.iterations ?? 0,
    costUsd: row.cost_usd,
    branch: row.branch,
    diffStat: fromNullableJson(row.diff_stat)?.text ?? null,
    verification: row.verification,
    merge: row.merge,
  };
}
