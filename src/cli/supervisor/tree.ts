import { shortId } from "../../core/ids.ts";
import type { Task } from "../../protocol/api.ts";
import { brief, table } from "../format.ts";

/** A task with those that are listed under it. */
export interface TaskNode {
  task: Task;
  children: TaskNode[];
}

/** The tasks of a contract by their parents, each level in the order in which it was spawned. */
export function treeOf(tasks: readonly Task[]): TaskNode[] {
  // A UUIDv7 begins with its time.
  const inOrder = tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const nodes = new Map(inOrder.map((task) => [task.id, { task, children: [] as TaskNode[] }]));
  const roots: TaskNode[] = [];
  for (const node of nodes.values()) {
    const { parentId } = node.task;
    const siblings = (parentId === null ? undefined : nodes.get(parentId)?.children) ?? roots;
    siblings.push(node);
  }
  return roots;
}

/** The lines that show it, with what each task waits for. */
export function treeLines(roots: readonly TaskNode[]): string[] {
  const rows = roots.flatMap((root) => rowsOf(root, "", ""));
  return table([["TASK", "STATUS", "MERGE", "NAME"], ...rows]);
}

const MAX_NAME = 60;

function rowsOf({ task, children }: TaskNode, own: string, below: string): string[][] {
  const { id, status, merge, role, name, after } = task;
  const notes = [
    ...(role === "supervisor" ? ["supervisor"] : []),
    ...(after.length > 0 ? [`after ${after.map(shortId).join(", ")}`] : []),
  ];
  const text = `${own}${brief(name, MAX_NAME)}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`;
  const rows = children.flatMap((child, index) => {
    const isLast = index === children.length - 1;
    return rowsOf(child, `${below}${isLast ? "└─ " : "├─ "}`, `${below}${isLast ? "   " : "│  "}`);
  });
  return [[shortId(id), status, merge ?? "", text], ...rows];
}
