import { shortId } from "../../core/ids.ts";
import type { Task } from "../../protocol/api.ts";
import { brief, clockTime, elapsed, inline, money, table } from "../format.ts";

/** The lines of a list of tasks; the first is the head. What no task has anything to tell of has no column. */
export function taskTable(tasks: readonly Task[], now: number): string[] {
  const extras = Object.entries(EXTRAS).filter(([, cell]) => tasks.some((task) => cell(task) !== ""));
  const rows = tasks.map((task) => [...row(task, now), ...extras.map(([, cell]) => cell(task))]);
  return table([[...HEAD, ...extras.map(([title]) => title)], ...rows]);
}

const HEAD = ["TASK", "STATUS", "ITERATIONS", "COST", "AGE", "NAME"];
const EXTRAS = { MERGE: ({ merge }: Task) => merge ?? "", REASON: reasonOf };
const MAX_NAME = 50;

function row(task: Task, now: number): string[] {
  return [
    shortId(task.id),
    statusText(task, now),
    String(task.iterations),
    money(task.costUsd),
    elapsed(Math.max(0, now - task.createdAt)),
    brief(task.name, MAX_NAME),
  ];
}

function statusText({ status, unreachable, waitUntil }: Task, now: number): string {
  const until = status === "waiting" && waitUntil !== null ? ` until ${clockTime(waitUntil, now)}` : "";
  return `${status}${until}${unreachable ? " (daemon away)" : ""}`;
}

/** What is done needs no reason. */
function reasonOf({ status, reason }: Task): string {
  return status === "completed" || reason === null ? "" : inline(reason);
}
