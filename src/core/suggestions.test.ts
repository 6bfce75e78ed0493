import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { deliverablesOf, nextPhase, PHASES } from "./phases.ts";
import type { Phase } from "./phases.ts";
import { suggestions } from "./suggestions.ts";
import type { SuggestedTask, SuggestionFacts } from "./suggestions.ts";

const ID = "01920000-0000-7000-8000-0000deadbeef";

const worker: SuggestedTask = {
  id: ID,
  name: "Mend it",
  role: "worker",
  status: "running",
  reason: null,
  idle: false,
  mergeRefused: false,
  failingChecks: [],
};

/** A simple contract, with what is missing worked out from what is there. */
function facts(phase: Phase, tasks: readonly SuggestedTask[], files: readonly string[] = []): SuggestionFacts {
  const wanted = tasks.filter(({ role, status }) => role === "worker" && status !== "cancelled");
  const deliverables = deliverablesOf("simple", phase, {
    files: new Set(files),
    tasks: wanted.map(({ name, status, mergeRefused }) => ({
      name,
      completed: status === "completed",
      merged: !mergeRefused,
    })),
  });
  return {
    status: "active",
    budgetSpent: false,
    nextPhase: nextPhase("simple", phase),
    deliverables,
    tasks,
    questions: [],
  };
}

function commands(of: SuggestionFacts): string[] {
  return suggestions(of).map(({ command }) => command);
}

test("each state of a contract has its next step", () => {
  const done: SuggestedTask = { ...worker, status: "completed" };
  const failed: SuggestedTask = { ...worker, status: "failed", reason: "No login" };
  const supervisor: SuggestedTask = { ...worker, role: "supervisor", status: "waiting", idle: true, name: "Lead" };
  const table: [string, SuggestionFacts, string[]][] = [
    ["no plan", facts("plan", []), ["makima contract create-file plan @plan.md"]],
    ["a plan", facts("plan", [], ["plan"]), ["makima supervisor advance-phase"]],
    ["no task", facts("execute", []), ["makima supervisor spawn NAME --plan TEXT"]],
    [
      "only a cancelled one",
      facts("execute", [{ ...worker, status: "cancelled" }]),
      ["makima supervisor spawn NAME --plan TEXT"],
    ],
    ["at work", facts("execute", [worker, done]), ["makima supervisor wait --any"]],
    [
      "failed",
      facts("execute", [failed]),
      ["makima supervisor output deadbeef --text --tail 50", "makima supervisor resume deadbeef"],
    ],
    ["unmerged", facts("execute", [{ ...done, mergeRefused: true }]), ["makima supervisor merge deadbeef"]],
    ["done", facts("execute", [done]), ["makima contract complete"]],
    [
      "supervisor idle",
      facts("plan", [supervisor]),
      ["makima contract create-file plan @plan.md", "makima supervisor message deadbeef TEXT"],
    ],
    ["it waits for a task", facts("execute", [supervisor, worker]), ["makima supervisor wait --any"]],
    [
      "asked",
      { ...facts("execute", [worker]), questions: [{ id: ID, task: "Mend it", text: "Which?" }] },
      ["makima question answer deadbeef TEXT"],
    ],
    ["paused", { ...facts("execute", [worker]), status: "paused" }, ["makima contract resume"]],
    [
      "budget spent",
      { ...facts("execute", [worker]), status: "paused", budgetSpent: true },
      ["makima contract update --budget USD"],
    ],
    ["completed", { ...facts("execute", [done]), status: "completed" }, ["makima contract file report"]],
    ["deleted", { ...facts("execute", [done]), status: "deleted" }, []],
  ];
  for (const [what, of, expected] of table) assert.deepEqual(commands(of), expected, what);
});

test("a merge that is under way is waited for", () => {
  const [only, ...others] = suggestions({
    ...facts("execute", [{ ...worker, status: "completed" }]),
    deliverables: [{ kind: "tasks", name: "tasks", title: "Tasks", done: false, missing: "Not merged: Mend it" }],
  });
  assert.deepEqual([only?.command, others], ["makima contract status", []]);
});

test("a failed task's failing checks are named, or else its reason", () => {
  const failed: SuggestedTask = { ...worker, status: "failed", reason: "Maximum iterations (3) reached" };
  const action = (task: SuggestedTask) => suggestions(facts("execute", [task]))[0]?.action;
  assert.equal(
    action({ ...failed, failingChecks: ["lint", "test"] }),
    'See why "Mend it" failed: these checks fail: lint, test',
  );
  assert.equal(action(failed), 'See why "Mend it" failed: Maximum iterations (3) reached');
});

const text = fc.string({ unit: "binary", maxLength: 400 });
const task = fc.record<SuggestedTask>({
  id: fc.uuid(),
  name: text,
  role: fc.constantFrom("worker", "supervisor"),
  status: fc.constantFrom("pending", "starting", "running", "waiting", "paused", "completed", "failed", "cancelled"),
  reason: fc.option(text),
  idle: fc.boolean(),
  mergeRefused: fc.boolean(),
  failingChecks: fc.array(text),
});
const question = fc.record({ id: fc.uuid(), task: text, text });

test("there is always something to do, never much, and no command holds the words of an agent", () => {
  const known =
    /^makima (contract|supervisor|question) [a-z-]+( [0-9a-f]{8})?( (plan @plan\.md|NAME --plan TEXT|TEXT|--any|report|--budget USD|--text --tail 50))?$/;
  fc.assert(
    fc.property(
      fc.constantFrom(...PHASES),
      fc.array(task, { maxLength: 30 }),
      fc.array(question, { maxLength: 30 }),
      fc.boolean(),
      fc.boolean(),
      (phase, tasks, questions, paused, budgetSpent) => {
        const found = suggestions({
          ...facts(phase, tasks),
          questions,
          budgetSpent,
          ...(paused ? { status: "paused" as const } : {}),
        });
        assert.ok(found.length > 0 && found.length <= 25);
        for (const { action, command } of found) {
          assert.match(command, known);
          assert.ok(action.length < 600 && action.isWellFormed());
          assert.doesNotMatch(action, /\p{Cc}/u);
        }
      },
    ),
  );
});
