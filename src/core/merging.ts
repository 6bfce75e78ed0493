import { oneLine } from "./notifications.ts";
import { isTerminal, TASK } from "./task-state.ts";
import type { TaskState } from "./task-state.ts";
import { escapeForTerminal, stripAnsi, tail } from "./text.ts";

/** What is known when the merge of a task's branch is over. */
export interface MergeFacts {
  /** `clean` is for those that were only to see; `error`: it could not be tried. */
  outcome: "merged" | "up-to-date" | "clean" | "conflict" | "checks-failed" | "error";
  /** Into the contract's integration branch, and not only to see what would happen. */
  integrates: boolean;
  /** Nobody asked for it: the merge queue acts by itself. */
  byQueue: boolean;
  /** What the task is now: somebody may have wanted more of it while it was merged. */
  task: TaskState;
  /** How often it went back to its agent because it could not be merged. */
  sentBack: number;
  /** Whether the task may be worked on. */
  contractLive: boolean;
}

/**
 * `send-back`: its agent is to resolve it. `conflict`, `failed`: nothing more is tried before a person or a supervisor
 * has decided. `nothing`: whoever asked sees the result, and that is all.
 */
export type MergeStep = "merged" | "send-back" | "conflict" | "failed" | "nothing";

/** An agent that could not resolve it with the facts before it will not the next time. */
const MAX_SENT_BACK = 1;

/** What becomes of a task once a merge of its branch is over. */
export function afterMerge({ outcome, integrates, byQueue, task, sentBack, contractLive }: MergeFacts): MergeStep {
  // What is worked on again is not what was merged; it has its turn when it is completed.
  if (!integrates || !isTerminal(TASK, task)) return "nothing";
  if (outcome === "merged" || outcome === "up-to-date") return "merged";
  if (!byQueue || task !== "completed") return "nothing";
  const refused = outcome === "conflict" || outcome === "checks-failed";
  if (refused && contractLive && sentBack < MAX_SENT_BACK) return "send-back";
  return outcome === "conflict" ? "conflict" : "failed";
}

/** A merge that was refused. What it holds comes from repositories and checks, and is made fit to be shown. */
export interface RefusedMerge {
  outcome: "conflict" | "checks-failed";
  /** Branch. */
  into: string;
  conflicts: readonly { path: string; kind: string }[];
  /** Those that ran on the merged tree. */
  checks: readonly { name: string; passed: boolean; exitCode: number | null; failure: string | null }[];
  /** End of the output of those that failed. */
  output: string;
}

/** What an agent is told whose completed work could not be merged. */
export function sendBackText(merge: RefusedMerge): string {
  const { into, conflicts, output } = merge;
  const resolve = `Merge that branch into yours, here in your checkout: \`git merge ${into}\`.`;
  const then = "Then see to it that the checks pass, and commit; your branch is merged again once you are ready.";
  if (merge.outcome === "conflict") {
    return paragraphs(
      `Your work is done, but it could not be merged into ${into}, where the other tasks' work is. These files conflict:`,
      listOf(conflicts.map(conflictText)),
      `${resolve} Resolve the conflicts so that their work stays as well as yours. ${then}`,
    );
  }
  return paragraphs(
    `Your work is done and merges into ${into} without a conflict, but together with the other tasks' work checks fail:`,
    listOf(failedChecks(merge)),
    ...(output === "" ? [] : [`Their output ends with:\n${plainTail(output)}`]),
    `${resolve} ${then}`,
  );
}

/** Why it was refused, in one line. */
export function refusalText(merge: RefusedMerge): string {
  if (merge.outcome === "conflict") return `Conflicts: ${inOneLine(merge.conflicts.map(conflictText))}`;
  return `Checks fail on the merged tree: ${inOneLine(failedChecks(merge))}`;
}

/** What a supervisor is told of a task whose work could not be merged for good. */
export function givenUpText({ task, into, reason }: { task: string; into: string; reason: string }): string {
  return paragraphs(
    `The work of the task ${oneLine(task, MAX_LINE)} could not be merged into ${into}. ${oneLine(reason, MAX_REASON)}`,
    "It is not tried again by itself: resume the task with a message that says how to resolve it, or merge it yourself.",
  );
}

/** UTF-16 units of one line, of a reason, and of the output of checks. */
const MAX_LINE = 300;
const MAX_REASON = 2_000;
const MAX_OUTPUT = 4_000;
/** Files or checks that are named before the rest is counted. */
const MAX_LISTED = 30;
const MAX_IN_LINE = 5;

function conflictText({ path, kind }: { path: string; kind: string }): string {
  return `${oneLine(path, MAX_LINE)} (${oneLine(kind, MAX_LINE)})`;
}

function failedChecks({ checks }: RefusedMerge): string[] {
  const failed = checks.filter(({ passed }) => !passed);
  return failed.map(({ name, exitCode, failure }) => {
    const why = failure ?? (exitCode === null ? "it did not end by itself" : `exit code ${exitCode}`);
    return `${oneLine(name, MAX_LINE)}: ${oneLine(why, MAX_LINE)}`;
  });
}

function listOf(items: readonly string[]): string {
  return some(items, MAX_LISTED)
    .map((item) => `- ${item}`)
    .join("\n");
}

function inOneLine(items: readonly string[]): string {
  return some(items, MAX_IN_LINE).join(", ");
}

function some(items: readonly string[], max: number): string[] {
  return items.length <= max ? [...items] : [...items.slice(0, max), `and ${items.length - max} more`];
}

function plainTail(output: string): string {
  const plain = escapeForTerminal(stripAnsi(output), { keepNewlines: true }).toWellFormed();
  return tail(plain.trim(), MAX_OUTPUT);
}

function paragraphs(...texts: readonly string[]): string {
  return texts.join("\n\n");
}
