import { shortId } from "../../core/ids.ts";
import type { Contract, ContractStatus, Report, Suggestion } from "../../protocol/api.ts";
import type { Context } from "../context.ts";
import { brief, clockTime, inline } from "../format.ts";
import type { Story } from "../output.ts";
import { deliverableLines } from "./checklist.ts";
import { headingLines } from "./heading.ts";

/** Longest question or report of an overview. */
const MAX_TEXT = 200;

/** Where a contract stands, for a person or an agent. `now`: epoch ms. */
export function statusLines({ env, output: { style } }: Context, status: ContractStatus, now: number): string[] {
  const { contract, deliverables, unmerged, openQuestions, reports, suggestions } = status;
  const sections: [title: string, lines: string[]][] = [
    [`Deliverables of ${contract.phase}`, deliverableLines(deliverables, style)],
    ["Tasks", tasksLine(status)],
    ["Not merged", unmerged.map(({ id, name, merge }) => `${shortId(id)}  ${brief(name, MAX_TEXT)} (${merge})`)],
    ["Open questions", openQuestions.map(({ id, text }) => `${shortId(id)}  ${brief(text, MAX_TEXT)}`)],
    ["Reports", reports.toReversed().map((report) => reportLine(report, now))],
    ["Next", suggestionLines({ env }, contract, suggestions)],
  ];
  return [...headingLines(contract, style), ...sections.flatMap(([title, lines]) => section(title, lines, style))];
}

/** What to do, and below it how; outside of the contract's tasks first what lets the commands find it. */
export function suggestionLines(
  { env }: Pick<Context, "env">,
  { id }: Pick<Contract, "id">,
  suggestions: readonly Suggestion[],
): string[] {
  const lines = suggestions.flatMap(({ action, command }) => [inline(action), `  ${inline(command)}`]);
  if (lines.length === 0 || env["MAKIMA_CONTRACT_ID"] === id) return lines;
  return [`export MAKIMA_CONTRACT_ID=${id}`, ...lines];
}

function section(title: string, lines: readonly string[], style: Story["style"]): string[] {
  if (lines.length === 0) return [];
  return ["", style("bold", `${title}:`), ...lines.map((line) => `  ${line}`)];
}

function tasksLine({ tasks }: ContractStatus): string[] {
  const counts = Object.entries(tasks).map(([status, number]) => `${number} ${status}`);
  return counts.length === 0 ? [] : [counts.join(", ")];
}

function reportLine({ createdAt, taskId, text }: Report, now: number): string {
  const who = taskId === null ? "a person" : shortId(taskId);
  return `${clockTime(createdAt, now)}  ${who}: ${brief(text, MAX_TEXT)}`;
}
