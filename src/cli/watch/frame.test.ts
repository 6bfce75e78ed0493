import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../../protocol/api.ts";
import { clockTime } from "../format.ts";
import { makeTask } from "../tasks/testing.ts";
import { frameLines } from "./frame.ts";

const style = (_: unknown, text: string) => text;
const now = new Date(2026, 0, 31, 12, 0, 0).getTime();

function frame(tasks: Task[], { rows = 20, trouble = null as { since: number; problem: string } | null } = {}) {
  return frameLines({ tasks, trouble, now, rows, style });
}

test("the list shows states, what tasks wait for, and whose daemon is away", () => {
  const createdAt = now - 65_000;
  const tasks = [
    makeTask("00000003", { createdAt, status: "pending", reason: "No daemon offers gpu=yes" }),
    makeTask("00000002", { createdAt, status: "waiting", waitUntil: now + 3_600_000, reason: "Usage\u001b[2J limit" }),
    makeTask("00000001", { createdAt, unreachable: true, iterations: 2, costUsd: 0.5 }),
  ];
  assert.deepEqual(frame(tasks), [
    "3 live tasks at 12:00:00  (q quits)",
    "",
    "TASK      STATUS                  ITERATIONS  COST   AGE    NAME           REASON",
    "00000003  pending                 0           $0.00  1m05s  Task 00000003  No daemon offers gpu=yes",
    "00000002  waiting until 13:00:00  0           $0.00  1m05s  Task 00000002  Usage limit",
    "00000001  running (daemon away)   2           $0.50  1m05s  Task 00000001",
  ]);
});

test("trouble stands above everything", () => {
  const since = now - 5_000;
  const lines = frame([], { trouble: { since, problem: "The database\ndoes not answer" } });
  assert.deepEqual(lines, [
    "0 live tasks at 12:00:00  (q quits)",
    `The database does not answer (since ${clockTime(since, now)}); what stands here may be old`,
    "",
    "No task is at work.",
  ]);
});

test("a frame is never higher than the terminal", () => {
  const tasks = Array.from({ length: 30 }, (_, index) => makeTask(`${10_000_000 + index}`));
  const lines = frame(tasks, { rows: 10 });
  assert.equal(lines.length, 10);
  assert.equal(lines.at(-1), "and 24 more");
  for (let rows = 0; rows < 6; rows += 1) assert.ok(frame(tasks, { rows }).length <= rows);
});
