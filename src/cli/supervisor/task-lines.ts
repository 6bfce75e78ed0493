import { shortId } from "../../core/ids.ts";
import type { Iteration, Report, Task } from "../../protocol/api.ts";
import { evidence, factLines } from "../follow/summary.ts";
import type { Fact } from "../follow/summary.ts";
import { brief, clockTime, elapsed, inline, money } from "../format.ts";
import type { Story } from "../output.ts";
import { changedFileLines, changesText } from "./changes.ts";
import type { TaskFacts } from "./task-facts.ts";

type Style = Story["style"];

/** A task at a glance; what there is nothing to say of is left out. `now`: epoch ms. */
export function taskLines(facts: TaskFacts, now: number, style: Style): string[] {
  const { detail, reports } = facts;
  const { task, contract, iterations } = detail;
  const known: Fact[] = [
    ["id", [task.id]],
    ["status", [statusText(task)]],
    ["contract", [`${inline(contract.name)} (${shortId(contract.id)})`]],
    ["role", task.role === "supervisor" ? ["supervisor"] : []],
    ...relativeFacts(facts),
    ["run", task.runId === null ? [] : [runText(task)]],
    ...evidence(detail, style),
    ["branch", [`${inline(task.branch)} from ${task.base.slice(0, 12)}`]],
    ["merge", task.merge === null ? [] : [task.merge]],
    ["checkout", detail.worktree === null ? [] : [inline(detail.worktree)]],
    ["sandbox", detail.sandbox === null ? [] : [detail.sandbox]],
    ["changes", changeLines(facts, style)],
  ];
  return [
    style("bold", inline(task.name)),
    ...factLines(known, style),
    ...section("Iterations", iterations.map(iterationLine), style),
    ...section(
      "Reports",
      reports.toReversed().map((report) => reportLine(report, now)),
      style,
    ),
  ];
}

function statusText({ status, unreachable, reason }: Task): string {
  return `${status}${unreachable ? " (daemon away)" : ""}${reason === null ? "" : `: ${inline(reason)}`}`;
}

function relativeFacts({ detail: { task }, relatives }: TaskFacts): Fact[] {
  const nameOf = (id: string) => {
    const relative = relatives.find((one) => one.id === id);
    return relative === undefined ? shortId(id) : `${inline(relative.name)} (${shortId(id)}), ${relative.status}`;
  };
  return [
    ["parent", task.parentId === null ? [] : [nameOf(task.parentId)]],
    ["after", task.after.map(nameOf)],
  ];
}

function runText({ runId, daemonId, agent }: Task): string {
  return `${runId} by ${inline(agent)}${daemonId === null ? "" : ` on daemon ${shortId(daemonId)}`}`;
}

function changeLines({ changes, changesUnknown }: TaskFacts, style: Style): string[] {
  if (changes === null) return changesUnknown === null ? [] : [`unknown: ${inline(changesUnknown)}`];
  const { files, text, paths } = changes;
  const list = paths === null ? statLines(text ?? "") : changedFileLines({ ...changes, files: paths }, style);
  return [changesText(files, changes), ...list];
}

/** Those of the files: the last one has the sum. */
function statLines(text: string): string[] {
  return text.split("\n").slice(0, -1).map(inline);
}

const MAX_REASON = 200;

function iterationLine({ index, gate, refused, changed, verdict, reason, costUsd, durationMs }: Iteration): string {
  if (verdict === null) return `#${index} at work`;
  const facts = [
    gate === null ? "no gate" : `${gate.ready ? "ready" : "not ready"}${refused ? ", but refused" : ""}`,
    changed === true ? "changed files" : "no changes",
    money(costUsd),
    ...(durationMs === null ? [] : [elapsed(durationMs)]),
  ];
  const gateReason = gate?.reason ?? null;
  const said = gateReason === null ? [] : [`    agent: ${brief(gateReason, MAX_REASON)}`];
  const why = reason === null ? "" : `: ${brief(reason, MAX_REASON)}`;
  return [`#${index} ${facts.join(", ")} → ${verdict}${why}`, ...said].join("\n  ");
}

function reportLine({ createdAt, text }: Report, now: number): string {
  return `${clockTime(createdAt, now)}  ${brief(text, MAX_REASON)}`;
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  if (lines.length === 0) return [];
  return ["", style("bold", `${title}:`), ...lines.map((line) => `  ${line}`)];
}
