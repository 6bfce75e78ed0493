import { shortId } from "../../core/ids.ts";
import { fileSize } from "../../core/text.ts";
import type { Daemon } from "../../protocol/api.ts";
import type { OperationResult, Salvaged, Worktree } from "../../protocol/operations.ts";
import { brief, count, elapsed, inline, table } from "../format.ts";
import { nameOf } from "./daemons.ts";

/** States in which a worktree only takes room. */
const NOT_NEEDED: readonly Worktree["state"][] = ["unwanted", "unfinished"];

/** What a daemon has, as a table with its sums below. */
export function worktreeLines(daemon: Daemon, result: OperationResult<"ListWorktrees">, now: number): string[] {
  const { root, bytes, quota, worktrees } = result;
  if (worktrees.length === 0) {
    return [`${nameOf(daemon)} has no worktrees. A task has one while it is worked on, and while it can be resumed.`];
  }
  const tried = worktrees.some(({ reason }) => reason !== null);
  const rows = worktrees.map((worktree) => [
    worktree.taskId === null ? "-" : shortId(worktree.taskId),
    worktree.state,
    fileSize(worktree.bytes),
    elapsed(Math.max(0, now - worktree.changedAt)),
    inline(worktree.branch ?? "-"),
    inline(below(root, worktree.dir)),
    ...(tried ? [inline(worktree.reason ?? "")] : []),
  ]);
  const head = ["TASK", "STATE", "SIZE", "CHANGED", "BRANCH", "DIRECTORY", ...(tried ? ["STAYS BECAUSE"] : [])];
  const total = `${count(worktrees.length, "worktree")} in ${inline(root)}, ${sizeText({ bytes, quota })}`;
  return [...table([head, ...rows]), `${nameOf(daemon)}: ${total}`, ...whatToDo(worktrees)];
}

/** What was kept of the worktrees that a daemon has removed. */
export function salvagedLines(daemon: Daemon, salvaged: readonly Salvaged[], now: number): string[] {
  if (salvaged.length === 0) {
    return [`Nothing was salvaged on ${nameOf(daemon)}: no worktree was removed that held what is in no branch.`];
  }
  const rows = salvaged.map(({ taskId, commit, at, subject, ref }) => [
    shortId(taskId),
    commit.slice(0, 12),
    elapsed(Math.max(0, now - at)),
    brief(subject, MAX_SUBJECT),
    inline(ref),
  ]);
  return [
    ...table([["TASK", "COMMIT", "AGE", "SUBJECT", "REF"], ...rows]),
    `${nameOf(daemon)}: \`makima worktree restore TASK\` makes a branch of one.`,
  ];
}

/** "13 MB of 20 GB" */
export function sizeText({ bytes, quota }: NonNullable<Daemon["worktrees"]>): string {
  return quota === null ? fileSize(bytes) : `${fileSize(bytes)} of ${fileSize(quota)}`;
}

export function isOverQuota({ bytes, quota }: NonNullable<Daemon["worktrees"]>): boolean {
  return quota !== null && bytes > quota;
}

const MAX_SUBJECT = 60;

/** Within the directory that all of them are in, as far as they are. */
function below(root: string, dir: string): string {
  return dir.startsWith(`${root}/`) ? dir.slice(root.length + 1) : dir;
}

/** About those that could go. */
function whatToDo(worktrees: readonly Worktree[]): string[] {
  const left = summary(worktrees, NOT_NEEDED);
  const kept = summary(worktrees, ["kept"]);
  return [
    ...(left === null ? [] : [`Not needed any more: ${left}; \`makima worktree clean\` removes them.`]),
    ...(kept === null
      ? []
      : [`Kept for tasks that may go on: ${kept}; \`makima worktree clean TASK\` removes one all the same.`]),
  ];
}

/** How many there are in these states, and how large; null for none. */
function summary(worktrees: readonly Worktree[], states: readonly Worktree["state"][]): string | null {
  const found = worktrees.filter(({ state }) => states.includes(state));
  if (found.length === 0) return null;
  return `${found.length} (${fileSize(found.reduce((sum, { bytes }) => sum + bytes, 0))})`;
}
