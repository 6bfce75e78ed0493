import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../../protocol/api.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import { makeTask } from "../tasks/testing.ts";
import { TaskBoard } from "./board.ts";

function changeOf(task: Task): Change {
  return { seq: 1, at: 0, kind: "task", id: task.id, data: { ...task } };
}

test("a board has the newest task first, and takes what is newer only", () => {
  const board = new TaskBoard({ tasks: [makeTask("a", { version: 3 })], all: false });
  assert.equal(board.apply(changeOf(makeTask("b")))?.id, "b");
  assert.equal(board.apply(changeOf(makeTask("a", { version: 2, status: "pending" }))), null);
  assert.equal(board.apply(changeOf(makeTask("a", { version: 4, status: "paused" })))?.status, "paused");
  assert.equal(board.apply({ ...changeOf(makeTask("c")), kind: "run" }), null);
  assert.deepEqual(
    board.tasks.map(({ id, status }) => [id, status]),
    [
      ["b", "running"],
      ["a", "paused"],
    ],
  );
});

test("of the tasks that end meanwhile the last ones stay, unless all are wanted", () => {
  const some = new TaskBoard({ tasks: [makeTask("live")], all: false });
  const all = new TaskBoard({ tasks: [makeTask("live")], all: true });
  for (let at = 0; at < 30; at += 1) {
    const ended = changeOf(makeTask(`t${String(at).padStart(2, "0")}`, { status: "failed", updatedAt: at }));
    some.apply(ended);
    all.apply(ended);
  }
  const left = some.tasks.map(({ id }) => id);
  assert.deepEqual(left, [...Array.from({ length: 10 }, (_, index) => `t${29 - index}`), "live"]);
  assert.equal(all.tasks.length, 31);
});
