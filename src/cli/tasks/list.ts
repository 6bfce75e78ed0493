import type { Task } from "../../protocol/api.ts";
import type { Connection } from "../connect.ts";
import { pagesOf } from "../pages.ts";

export interface TaskList {
  tasks: Task[];
  /** Position of the change feed: what it has after it, the tasks may not show yet. */
  cursor: number;
}

export interface TaskFilter {
  /** Only those that have not ended. */
  live: boolean;
  /** Only those of this contract; absent: of all. */
  contract?: string;
}

/** Newest first. */
export async function listTasks({ call }: Connection, { live, ...filter }: TaskFilter): Promise<TaskList> {
  const tasks: Task[] = [];
  let first: number | null = null;
  const pages = pagesOf((query) => call("listTasks", { ...filter, live: live ? "true" : "false", ...query }));
  for await (const { tasks: some, cursor } of pages) {
    tasks.push(...some);
    first ??= cursor;
  }
  return { tasks, cursor: first ?? 0 };
}
