import { MakimaError } from "../../core/errors.ts";
import { isLive, TASK } from "../../core/task-state.ts";
import { SECOND } from "../../platform/config/units.ts";
import type { Report, Task, TaskDetail } from "../../protocol/api.ts";
import type { OperationResult } from "../../protocol/operations.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { runOperation } from "../operations.ts";

/** What a task has changed: of an ended one as its daemon reported it, of a live one as it is now. */
export interface TaskChanges {
  files: number;
  insertions: number;
  deletions: number;
  /** `git diff --stat`; null where `paths` says it. */
  text: string | null;
  paths: OperationResult<"GetDiff">["files"] | null;
}

/** Everything about a task that a person or a supervisor may want to know at a glance. */
export interface TaskFacts {
  detail: TaskDetail;
  /** null: nothing yet, or `changesUnknown` says why they cannot be told. */
  changes: TaskChanges | null;
  changesUnknown: string | null;
  /** The task that it is listed under, and those that it comes after, as far as they are there. */
  relatives: Task[];
  /** The latest of its agent, the newest first. */
  reports: Report[];
}

/** Longest time (ms) that a daemon gets to look at a live task's checkout: the rest is worth telling without it. */
const LOOK = 10 * SECOND;

const MAX_REPORTS = 5;

export async function taskFacts(context: Context, connection: Connection, id: string): Promise<TaskFacts> {
  const { call } = connection;
  const detail = await call("getTask", { id });
  const [relatives, { reports }] = await Promise.all([
    relativesOf(connection, detail.task),
    call("listReports", { id: detail.contract.id }),
  ]);
  const own = reports.filter(({ taskId }) => taskId === detail.task.id);
  return { detail, relatives, reports: own.slice(0, MAX_REPORTS), ...(await changesOf(context, connection, detail)) };
}

async function changesOf(
  context: Context,
  connection: Connection,
  { task, diffStat, worktree }: TaskDetail,
): Promise<Pick<TaskFacts, "changes" | "changesUnknown">> {
  if (diffStat !== null) return { changes: { ...diffStat, paths: null }, changesUnknown: null };
  if (!isLive(TASK, task.status) || worktree === null) return { changes: null, changesUnknown: null };
  try {
    const request = { kind: "GetDiff", task: task.id, stat: true } as const;
    const { files, insertions, deletions } = await runOperation(connection, context, request, LOOK);
    const changes = { files: files.length, insertions, deletions, text: null, paths: files };
    return { changes, changesUnknown: null };
  } catch (error) {
    if (!(error instanceof MakimaError) || error.code === "interrupted") throw error;
    const why = error.code === "timed_out" ? "Its daemon does not answer" : error.message;
    return { changes: null, changesUnknown: why };
  }
}

async function relativesOf({ call }: Connection, { contractId, parentId, after }: Task): Promise<Task[]> {
  if (parentId === null && after.length === 0) return [];
  const { tasks } = await call("getContract", { id: contractId });
  return tasks.filter(({ id }) => id === parentId || after.includes(id));
}
