import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeEvent } from "../../protocol/run-events.ts";
import { TaskView } from "./view.ts";

const recorded = readFileSync(join(import.meta.dirname, "../fixtures/run-events.ndjson"), "utf8");
const EVENTS = recorded.trimEnd().split("\n").map(decodeEvent);

/** The recorded run as a view tells it, with a word of the agent after each start of an iteration. */
function tell(live: boolean): string[] {
  let told = "";
  const story = { live, write: (text: string) => (told += text), style: (_: unknown, text: string) => text };
  const view = new TaskView(story, "command");
  for (const event of EVENTS) {
    view.event(event);
    if (event.type === "iteration-started") view.output(event.index, Buffer.from("no line end"));
  }
  return told.trimEnd().split("\n");
}

test("someone who watches sees all of a run", () => {
  assert.deepEqual(tell(true), [
    "Working in /home/me/worktrees/t1 from 91c079d63203",
    "Before the work: npm test fails now, so passing it will prove the goal",
    "Iteration 1",
    "  no line end",
    "  ✘ npm test: exit 1 (1.2s)",
    "#1 ready, but refused, changed files, $0.0123, 34s → continue: Check failed: npm test (exited 1)",
    "Iteration 2 (same session)",
    "  no line end",
    "#2 no gate, no changes, $0.00, 2.0s → wait: Usage limit",
    waitingLine(),
    "Iteration 3 (same session)",
    "  no line end",
    "  ✔ npm test (1.2s, 12 tests)",
    "#3 ready, changed files, $0.50, 1m05s → done: The agent is ready and every check passed",
  ]);
});

test("nobody who watches gets a line for each iteration, and for what makes it wait", () => {
  assert.deepEqual(tell(false), [
    "#1 ready, but refused, changed files, $0.0123, 34s → continue: Check failed: npm test (exited 1)",
    "#2 no gate, no changes, $0.00, 2.0s → wait: Usage limit",
    waitingLine(),
    "#3 ready, changed files, $0.50, 1m05s → done: The agent is ready and every check passed",
  ]);
});

test("a report is told to everybody, each of its lines as harmless text", () => {
  const told: string[] = [];
  const story = { live: false, write: (text: string) => told.push(text), style: (_: unknown, text: string) => text };
  const report = { id: "r", contractId: "c", taskId: "t", text: "Half\u001b[2J way\n\nthrough\u0007\n", createdAt: 0 };
  new TaskView(story, "command").report(report);
  assert.deepEqual(told, ["Report: Half way\n", "\n", "  through\\x07\n"]);
});

/** Its time of day depends on where the test runs. */
function waitingLine(): string {
  return `Waiting until ${new Date(1_795_237_884_000).toLocaleTimeString("sv-SE")}: five_hour`;
}
