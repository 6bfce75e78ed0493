import { oneLine, utcTime } from "./notifications.ts";
import type { ContractType, Phase } from "./phases.ts";
import { phasesOf } from "./phases.ts";
import { escapeForTerminal, stripAnsi } from "./text.ts";

/** Name and title of the file in which makima says what a contract has come to. */
export const REPORT_FILE = { name: "report", title: "Report" } as const;

/** Times are epoch milliseconds, money US dollars. */
export interface ContractReportFacts {
  name: string;
  goal: string;
  type: ContractType;
  /** The one in which it was completed. */
  phase: Phase;
  goals: readonly { text: string; done: boolean }[];
  completionAction: "none" | "branch" | "merge" | "pr";
  integrationBranch: string;
  costUsd: number;
  createdAt: number;
  endedAt: number;
  tasks: readonly ReportedTask[];
  /** The latest, oldest first. `task` null: a person's. */
  reports: readonly { task: string | null; text: string; at: number }[];
  /** The latest, oldest first. */
  questions: readonly { task: string; text: string; answer: string | null }[];
  /** Names of its files. */
  files: readonly string[];
}

export interface ReportedTask {
  name: string;
  role: "worker" | "supervisor";
  status: string;
  reason: string | null;
  /** Of its latest run. */
  iterations: number;
  costUsd: number;
  branch: string;
  /** git's one line; null when nothing is known. */
  diffStat: string | null;
  verification: string | null;
  merge: string | null;
}

/**
 * What a contract has come to, as Markdown. What people and agents wrote stands in it as their words: nothing of it
 * makes a heading, a list, a link or markup of its own, and each piece and each list is cut, so that the whole stays
 * below a megabyte.
 */
export function contractReport(facts: ContractReportFacts): string {
  const sections = [
    `# ${inline(facts.name, MAX_NAME)}`,
    summary(facts),
    section("Goal", fenced(facts.goal)),
    section(
      "Checklist",
      list(facts.goals.map(({ text, done }) => `- [${done ? "x" : " "}] ${inline(text, MAX_LINE)}`)),
    ),
    section("Phases", list(phases(facts))),
    section("Tasks", tasks(facts)),
    section("Questions", list(facts.questions.map(question))),
    section("Reports", list(facts.reports.map(report))),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

/** UTF-16 units of what is shown of one text. */
const MAX_NAME = 200;
const MAX_LINE = 500;
const MAX_GOAL = 20_000;
/** Entries of one list. */
const MAX_ENTRIES = 100;

function summary({
  createdAt,
  endedAt,
  costUsd,
  tasks: all,
  completionAction,
  integrationBranch,
}: ContractReportFacts) {
  const workers = all.filter(({ role }) => role === "worker");
  const completed = workers.filter(({ status }) => status === "completed").length;
  const lines = [
    `- Began: ${utcTime(createdAt)}`,
    `- Ended: ${utcTime(endedAt)}, after ${duration(endedAt - createdAt)}`,
    `- Tasks: ${workers.length}, of which completed: ${completed}`,
    `- Cost: ${usd(costUsd)}`,
  ];
  // Where nothing is merged by itself the branch may not even exist.
  if (completionAction !== "none") lines.push(`- Merged into: ${inline(integrationBranch, MAX_NAME)}`);
  return lines.join("\n");
}

/** Empty where there is nothing to say. */
function section(title: string, body: string): string {
  return body === "" ? "" : `## ${title}\n\n${body}`;
}

function list(entries: readonly string[]): string {
  const more = entries.length - MAX_ENTRIES;
  return [...entries.slice(0, MAX_ENTRIES), ...(more > 0 ? [`- and ${more} more`] : [])].join("\n");
}

function phases({ type, phase, files }: ContractReportFacts): string[] {
  const specs = phasesOf(type);
  const last = specs.findIndex((spec) => spec.phase === phase);
  return specs.map((spec, index) => {
    const documents = spec.files.map(({ name }) => (files.includes(name) ? name : `${name} (not written)`));
    const state = index > last ? "not begun" : index === last ? "where it ended" : "over";
    return `- ${spec.phase}: ${[state, ...documents].join(", ")}`;
  });
}

function tasks({ tasks: all }: ContractReportFacts): string {
  return list(all.map(task));
}

function task(it: ReportedTask): string {
  const iterations = `${it.iterations} ${it.iterations === 1 ? "iteration" : "iterations"}`;
  const head = [it.status, iterations, usd(it.costUsd), it.verification, mergeOf(it.merge)].filter(
    (part) => part !== null,
  );
  const supervisor = it.role === "supervisor" ? " (supervisor)" : "";
  const details = [
    it.reason === null ? null : `Reason: ${inline(it.reason, MAX_LINE)}`,
    it.diffStat === null ? null : `Changes: ${inline(it.diffStat, MAX_NAME)}`,
    it.role === "supervisor" ? null : `Branch: ${inline(it.branch, MAX_NAME)}`,
  ].filter((line) => line !== null);
  return [
    `- **${inline(it.name, MAX_NAME)}**${supervisor}: ${head.join(", ")}`,
    ...details.map((line) => `  - ${line}`),
  ].join("\n");
}

function mergeOf(merge: string | null): string | null {
  return merge === null ? null : `merge: ${merge}`;
}

function question({ task: asking, text, answer }: ContractReportFacts["questions"][number]): string {
  const answered = answer === null ? "Not answered" : `Answer: ${inline(answer, MAX_LINE)}`;
  return `- **${inline(asking, MAX_NAME)}**: ${inline(text, MAX_LINE)}\n  - ${answered}`;
}

function report({ task: telling, text, at }: ContractReportFacts["reports"][number]): string {
  return `- ${utcTime(at)}, ${telling === null ? "a person" : `**${inline(telling, MAX_NAME)}**`}: ${inline(text, MAX_LINE)}`;
}

/** One line of words without any meaning as Markdown or HTML. */
function inline(text: string, max: number): string {
  const line = oneLine(text, max).replaceAll(/[\\`*_[\]<>#|~&!^$]/g, String.raw`\$&`);
  // At its beginning it could open a list.
  return line.replace(/^(?=[-+=])|(?<=^\d{1,9})(?=[.)])/, "\\");
}

/** Lines as they are, in a block that nothing in them can end. */
function fenced(text: string): string {
  const lines = escapeForTerminal(stripAnsi(text.slice(0, MAX_GOAL)), { keepNewlines: true }).toWellFormed();
  const longest = Math.max(2, ...(lines.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}text`, lines, ...(text.length > MAX_GOAL ? ["…"] : []), fence].join("\n");
}

function usd(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function duration(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  const minutes = Math.round(ms / MINUTE);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
