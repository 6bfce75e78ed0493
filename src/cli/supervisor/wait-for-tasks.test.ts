import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../../protocol/api.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import { makeTask } from "../tasks/testing.ts";
import { TaskWatch } from "./wait-for-tasks.ts";

function changeOf(task: Task): Change {
  return { seq: 1, at: 1, kind: "task", id: task.id, data: { ...task } };
}

function watch(until: "all" | "any", ...known: Task[]): TaskWatch {
  return new TaskWatch({ known, wanted: ({ role }) => role === "worker", until });
}

test("a completed task is over when it is merged, where it is to be", () => {
  const watched = watch("any", makeTask("a"), makeTask("b"));
  const steps: [fields: Partial<Task>, isOver: boolean][] = [
    [{ status: "completed", merge: "queued" }, false],
    // It conflicted, and is with its agent again.
    [{ status: "pending", merge: null }, false],
    [{ status: "completed", merge: "merged" }, true],
  ];
  for (const [fields, isOver] of steps) {
    watched.apply(changeOf(makeTask("a", fields)));
    assert.equal(watched.isOver, isOver);
  }
  assert.deepEqual(watched.failed, []);
});

test("all are over when each is that is wanted, those of the contract that join among them", () => {
  const watched = watch("all", makeTask("a"), makeTask("boss", { role: "supervisor" }));
  const completed = { status: "completed" } as const;
  assert.equal(watched.apply(changeOf(makeTask("x", { contractId: "another" }))), null);
  assert.equal(watched.apply(changeOf(makeTask("a", completed)))?.id, "a");
  assert.equal(watched.isOver, true);
  assert.equal(watched.apply(changeOf(makeTask("b"))), null);
  assert.equal(watched.isOver, false);
  watched.apply(changeOf(makeTask("b", completed)));
  assert.equal(watched.isOver, true);
  assert.deepEqual(
    watched.tasks.map(({ id }) => id),
    ["a", "b"],
  );
});

test("what comes after a task that did not work out is over as well, however long the chain", () => {
  const pending = (id: string, after: string) => makeTask(id, { status: "pending", after: [after] });
  // The last one was told to wait for a task that was spawned later.
  const watched = watch("all", pending("c", "b"), makeTask("a"), pending("b", "a"));
  assert.equal(watched.isOver, false);
  watched.apply(changeOf(makeTask("a", { status: "failed" })));
  assert.equal(watched.isOver, true);
  assert.equal(watched.failed.length, 3);
  watched.apply(changeOf(makeTask("a", { status: "completed", merge: "merged" })));
  assert.deepEqual([watched.isOver, watched.open.map(({ id }) => id)], [false, ["c", "b"]]);
});

test("what failed is what failed, was cancelled or could not be merged", () => {
  const tasks = [
    makeTask("fine", { status: "completed", merge: "merged" }),
    makeTask("live"),
    makeTask("failed", { status: "failed" }),
    makeTask("cancelled", { status: "cancelled" }),
    makeTask("conflict", { status: "completed", merge: "conflict" }),
    makeTask("red", { status: "completed", merge: "failed" }),
  ];
  assert.deepEqual(
    watch("all", ...tasks).failed.map(({ id }) => id),
    ["failed", "cancelled", "conflict", "red"],
  );
});
