import { shortId } from "../../core/ids.ts";
import type { TaskDetail } from "../../protocol/api.ts";
import type { CheckReport } from "../../protocol/run-events.ts";
import { count, elapsed, inline, money, shellWord } from "../format.ts";
import type { Story } from "../output.ts";
import { checkLine } from "./describe-event.ts";
import type { Landing } from "./landing.ts";

type Style = Story["style"];

/** What is left to say when a task has ended: what came of it, where it went, what proves it, what it cost, and what to type next. */
export function summaryLines(detail: TaskDetail, style: Style, landing: Landing | null = null): string[] {
  const facts: Fact[] = [
    ...evidence(detail, style),
    ["branch", detail.branchKept ? [branchText(detail)] : []],
    ["merge", (landing?.lines ?? []).map((line) => style(landing?.landed === true ? "green" : "red", line))],
    ["checkout", detail.worktree === null ? [] : [inline(detail.worktree)]],
    ["sandbox", detail.sandbox === null ? [] : [detail.sandbox]],
  ];
  return ["", verdictText(detail, style), ...factLines(facts, style), ...nextLines(detail, landing?.landed === true)];
}

/** What is known under a name, in any number of lines. */
export type Fact = readonly [name: string, lines: readonly string[]];

/** What there is to believe a task's result by, and what it took. */
export function evidence(detail: TaskDetail, style: Style): Fact[] {
  return [
    ["proof", proofLines(detail, style)],
    ["checks", detail.checks.map((check) => checkLine(check, style) + baselineNote(check))],
    ["tampering", detail.tampering.map((flag) => style("yellow", inline(tamperingText(flag))))],
    ["work", [workText(detail)]],
  ];
}

/** Facts in two columns; one without lines is left out. */
export function factLines(facts: readonly Fact[], style: Style): string[] {
  return facts.flatMap(([name, lines]) =>
    lines.map((line, index) => `  ${style("dim", (index === 0 ? name : "").padEnd(10))} ${line}`),
  );
}

function verdictText({ task }: TaskDetail, style: Style): string {
  const text = `${VERDICT_WORD[task.status] ?? task.status}: ${inline(task.reason ?? task.name)}`;
  return style(["bold", task.status === "completed" ? "green" : "red"], text);
}

const VERDICT_WORD: Partial<Record<TaskDetail["task"]["status"], string>> = {
  completed: "Done",
  failed: "Failed",
  cancelled: "Stopped",
};

/** Nothing is claimed of a task that did not complete: only a believed gate has anything to prove. */
function proofLines({ task, verification, tampering }: TaskDetail, style: Style): string[] {
  if (task.status !== "completed" || verification === null) return [];
  switch (verification) {
    case "verified":
      return [style("green", "verified: a check that failed before the work passes now")];
    case "regression-only":
      return [style("yellow", "regression-only: the checks passed before the work too, so they show no progress")];
    case "unverified":
      return [
        style(
          "yellow",
          tampering.length > 0
            ? "unverified: what the checks lean on was changed, so their passing proves nothing"
            : "unverified: there were no checks, so the agent was taken at its word",
        ),
      ];
  }
}

function baselineNote({ baseline }: CheckReport): string {
  if (baseline === null) return "";
  return baseline ? " [passed before, too]" : " [failed before]";
}

function tamperingText({ kind, path, detail }: TaskDetail["tampering"][number]): string {
  return `${kind}${path === null ? "" : ` ${path}`}: ${detail}`;
}

function workText({ iterations, costUsd }: TaskDetail): string {
  const time = iterations.reduce((sum, { durationMs }) => sum + (durationMs ?? 0), 0);
  return `${count(iterations.length, "iteration")}, ${money(costUsd)}, ${elapsed(time)}`;
}

function branchText({ task, diffStat }: TaskDetail): string {
  if (diffStat === null || diffStat.files === 0) return `${task.branch} (no changes)`;
  return `${task.branch} (${count(diffStat.files, "file")}, +${diffStat.insertions} -${diffStat.deletions})`;
}

function nextLines({ task, branchKept, diffStat }: TaskDetail, landed: boolean): string[] {
  const hasChanges = branchKept && diffStat !== null && diffStat.files > 0;
  const commands: string[] = [];
  if (hasChanges) commands.push(`git diff ${task.base.slice(0, 12)}...${shellWord(task.branch)}`);
  if (hasChanges && task.status === "completed" && !landed) commands.push(`git merge ${shellWord(task.branch)}`);
  if (task.status !== "completed") commands.push(`makima resume ${shortId(task.id)}`);
  commands.push(`makima logs ${shortId(task.id)}`);
  return ["", "Next:", ...commands.map((command) => `  ${command}`)];
}
