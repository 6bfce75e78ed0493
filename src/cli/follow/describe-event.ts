import type { CheckReport, RunEvent, RunEventOf } from "../../protocol/run-events.ts";
import { brief, clockTime, count, elapsed, inline, money } from "../format.ts";
import type { Story } from "../output.ts";

type Style = Story["style"];

/** The lines that tell an event. Those for someone who watches are left out when nobody does (`live` false). */
export function describeEvent(event: RunEvent, { live, style }: Pick<Story, "live" | "style">): string[] {
  switch (event.type) {
    case "started":
      return live && event.sandbox === "bubblewrap" ? [style("dim", "In a sandbox of bubblewrap")] : [];
    case "checkout":
      return live ? checkoutLines(event, style) : [];
    case "baseline":
      return live ? event.checks.map((check) => baselineLine(check, style)) : [];
    case "iteration-started":
      return live ? [style("bold", `Iteration ${event.index}`) + (event.resumed ? " (same session)" : "")] : [];
    case "check":
      return live ? [`  ${checkLine(event.check, style)}`] : [];
    case "verdict":
      return [verdictLine(event, style)];
    case "waiting":
      return [style("yellow", `${waitingSince(event)}: ${inline(event.reason)}`)];
    case "paused":
      return [style("yellow", "Paused by a person; `makima resume` goes on")];
    case "resumed":
      return [style("yellow", "Resumed")];
    case "message":
      return [style("cyan", `Message to the agent: ${brief(event.text, MAX_MESSAGE)}`)];
    case "notice":
      return [style("dim", `Note: ${inline(event.message)}`)];
    case "gate":
    case "checkpoint":
    case "verified":
    case "finished":
      return [];
  }
}

/** Whoever has written more knows how it goes on. */
const MAX_MESSAGE = 500;

/** "✔ npm test" or "✘ npm test: exit 1", with the number of tests where the runner is known. */
export function checkLine(check: CheckReport, style: Style): string {
  const tests = check.tests === null ? "" : `, ${count(check.tests.total, "test")}`;
  const facts = `${elapsed(check.durationMs)}${tests}`;
  if (check.passed) return `${style("green", "✔")} ${inline(check.command)} (${facts})`;
  return `${style("red", "✘")} ${inline(check.command)}: ${whyFailed(check)} (${facts})`;
}

function waitingSince({ kind, until, at }: RunEventOf<"waiting">): string {
  if (kind === "wake-up" || until === null) return "Waiting for its tasks";
  return `Waiting until ${clockTime(until, at)}`;
}

function checkoutLines(event: RunEventOf<"checkout">, style: Style): string[] {
  return [style("dim", `Working in ${inline(event.worktree)} from ${event.head.slice(0, 12)}`)];
}

function baselineLine(check: CheckReport, style: Style): string {
  const meaning = check.passed ? "passes already" : "fails now, so passing it will prove the goal";
  return style("dim", `Before the work: ${inline(check.command)} ${meaning}`);
}

function whyFailed(check: CheckReport): string {
  if (check.failure !== null) return inline(check.failure);
  if (check.timedOut) return "took too long";
  return check.exitCode === null ? "ended by a signal" : `exit ${check.exitCode}`;
}

/** One line for each iteration: number, gate, changes, cost, time, and what makima made of it. */
function verdictLine(event: RunEventOf<"verdict">, style: Style): string {
  const facts = [
    gateFact(event),
    event.changed ? "changed files" : "no changes",
    money(event.costUsd),
    elapsed(event.durationMs),
  ];
  const verdict = `${style(VERDICT_STYLE[event.verdict], event.verdict)}: ${inline(event.reason)}`;
  return `${style("bold", `#${event.index}`)} ${facts.join(", ")} → ${verdict}`;
}

const VERDICT_STYLE = { done: "green", continue: "cyan", wait: "yellow", stop: "red" } as const;

function gateFact({ gate, refused }: RunEventOf<"verdict">): string {
  if (gate === null) return "no gate";
  if (!gate.ready) return "not ready";
  return refused ? "ready, but refused" : "ready";
}
