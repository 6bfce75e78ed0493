import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contract, Report, Task } from "../../protocol/api.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import { makeTask } from "../tasks/testing.ts";
import { ContractStory } from "./story.ts";

const CONTRACT: Contract = {
  id: "c1",
  name: "Weeks",
  status: "active",
  type: "simple",
  phase: "plan",
  driver: "supervisor",
  goal: "Accept weeks",
  goals: [{ text: "It parses", done: false }],
  repositories: [],
  integrationBranch: "makima/weeks/integration-c1",
  completionAction: "branch",
  autonomousLoop: true,
  checks: [],
  budgetUsd: null,
  costUsd: 0,
  maxParallel: null,
  version: 1,
  createdAt: 0,
  updatedAt: 0,
};

const PARSER = makeTask("0-parser00", { name: "Parser" });

function newStory(...tasks: Task[]): ContractStory {
  return new ContractStory(CONTRACT, tasks, (_, text) => text);
}

function change(kind: Change["kind"], data: object, id = "x"): Change {
  return { seq: 1, at: 0, kind, id, data: { contractId: "c1", ...data } };
}

test("a task is told when it is spawned, by its states and by its merge", () => {
  const story = newStory();
  const tell = (fields: Partial<Task>) => story.apply(change("task", { ...PARSER, ...fields }));
  assert.deepEqual(tell({ status: "pending" }), ["Parser (parser00): spawned"]);
  assert.deepEqual(tell({ status: "starting", version: 2 }), []);
  assert.deepEqual(tell({ status: "running", version: 3 }), ["Parser (parser00): running"]);
  assert.deepEqual(tell({ status: "running", version: 4, costUsd: 1 }), []);
  assert.deepEqual(tell({ status: "completed", version: 5, merge: "queued", reason: "The agent is ready" }), [
    "Parser (parser00): completed",
    "Parser (parser00): is to be merged",
  ]);
  assert.deepEqual(tell({ status: "completed", version: 6, merge: "merged" }), ["Parser (parser00): is merged"]);
  assert.deepEqual(tell({ status: "failed", version: 7, reason: "No\u001b[2J more" }), [
    "Parser (parser00): failed: No more",
  ]);
});

test("what was so already, as far as the list was ahead of the feed, is no news", () => {
  const story = newStory({ ...PARSER, version: 5 });
  assert.deepEqual(story.apply(change("task", { ...PARSER, status: "pending", version: 4 })), []);
  assert.deepEqual(story.apply(change("contract", { ...CONTRACT, phase: "execute" }, "c1")), []);
});

test("a contract is told by its phase, its goals and its state", () => {
  const story = newStory();
  const goals = [
    { text: "It parses", done: true },
    { text: "It prints", done: false },
  ];
  assert.deepEqual(story.apply(change("contract", { ...CONTRACT, phase: "execute", goals, version: 2 }, "c1")), [
    "Phase plan → execute",
    "Goal met: It parses",
  ]);
  assert.deepEqual(
    story.apply(change("contract", { ...CONTRACT, phase: "execute", goals, version: 3, costUsd: 2 }, "c1")),
    [],
  );
  const done = { ...CONTRACT, phase: "execute", goals, version: 4, status: "completed" };
  assert.deepEqual(story.apply(change("contract", done, "c1")), ["The contract is completed"]);
  assert.equal(story.contract.status, "completed");
});

test("reports, questions, files and what failed are told with who and what", () => {
  const story = newStory(PARSER);
  const report: Report = {
    id: "r",
    contractId: "c1",
    taskId: PARSER.id,
    text: "Half way\nthrough\u001b]0;x\u0007",
    createdAt: 0,
  };
  assert.deepEqual(story.apply(change("report", report)), ["Report of Parser: Half way", "  through"]);
  assert.deepEqual(story.apply(change("report", { ...report, taskId: null, text: "Go on" })), ["Report: Go on"]);
  const question = { id: "0-question", taskId: PARSER.id, text: "Which?", choices: [], status: "open", answer: null };
  assert.deepEqual(story.apply(change("question", question)), [
    "Parser asks: Which?",
    "  makima question answer question TEXT",
  ]);
  const answered = { ...question, status: "answered", answer: "This" };
  assert.deepEqual(story.apply(change("question", answered)), ["Answered to Parser: This"]);
  assert.deepEqual(story.apply(change("file", { name: "plan", version: 2, phase: "plan" })), [
    "File plan: version 2 (plan)",
  ]);
  const error = { code: "conflict", message: "The tree is dirty", hint: "" };
  const operation = { kind: "MergeBranch", status: "failed", error };
  assert.deepEqual(story.apply(change("operation", operation)), ["A merge failed: The tree is dirty"]);
  assert.deepEqual(story.apply(change("operation", { ...operation, kind: "ReadFile" })), []);
  assert.deepEqual(story.apply(change("notification", {})), []);
});

test("only what belongs to the contract concerns it", () => {
  const story = newStory();
  assert.ok(story.concerns(change("task", {})));
  assert.ok(story.concerns(change("contract", {}, "c1")));
  assert.ok(!story.concerns(change("contract", {}, "c2")));
  assert.ok(!story.concerns(change("task", { contractId: "c2" })));
});
