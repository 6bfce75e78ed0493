import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CONTRACT, NOTIFICATION, QUESTION, RUN, TASK, isLive, isTerminal, transition } from "./task-state.ts";
import type { TaskEvent } from "./task-state.ts";

suite("state machines", () => {
  test("a task's life: queued, run, waited, paused, done", () => {
    const events: TaskEvent[] = ["start", "run", "wait", "run", "pause", "run", "complete"];
    const states = ["starting", "running", "waiting", "running", "paused", "running", "completed"] as const;
    let state = TASK.initial;
    for (const [index, event] of events.entries()) {
      const next = transition(TASK, state, event);
      assert.equal(next, states[index]);
      state = next ?? state;
    }
    assert.ok(isTerminal(TASK, state));
  });

  test("every live task can complete, fail and be cancelled; what ended takes nothing but another run", () => {
    for (const state of TASK.live) {
      assert.equal(transition(TASK, state, "complete"), "completed");
      assert.equal(transition(TASK, state, "fail"), "failed");
      assert.equal(transition(TASK, state, "cancel"), "cancelled");
      assert.equal(transition(TASK, state, "resume"), null);
    }
    for (const state of ["failed", "cancelled"] as const) {
      assert.deepEqual(TASK.transitions[state], { resume: "pending" });
    }
    assert.deepEqual(TASK.transitions.completed, { reopen: "pending" });
  });

  test("a lost daemon's task can be queued again, one that was never started needs not", () => {
    assert.deepEqual(
      TASK.live.map((state) => transition(TASK, state, "requeue")),
      [null, "pending", "pending", "pending", "pending"],
    );
  });

  test("a fenced run takes nothing any more", () => {
    assert.equal(transition(RUN, "running", "fence"), "fenced");
    assert.equal(transition(RUN, "fenced", "complete"), null);
  });

  test("contracts, questions and notifications go one way", () => {
    assert.equal(transition(CONTRACT, "active", "pause"), "paused");
    assert.equal(transition(CONTRACT, "completed", "resume"), null);
    assert.equal(transition(QUESTION, "open", "answer"), "answered");
    assert.equal(transition(QUESTION, "withdrawn", "answer"), null);
    assert.equal(transition(NOTIFICATION, "unread", "read"), "read");
    assert.equal(transition(NOTIFICATION, "dismissed", "read"), null);
  });

  test("live states are those that are not over", () => {
    assert.ok(isLive(CONTRACT, "paused"));
    assert.ok(!isLive(RUN, "fenced"));
    for (const machine of [TASK, RUN, CONTRACT, QUESTION, NOTIFICATION]) {
      const states: readonly string[] = Object.keys(machine.transitions);
      const targets: readonly string[] = Object.values(machine.transitions).flatMap((events) => Object.values(events));
      assert.ok(machine.live.every((state) => states.includes(state)));
      assert.ok(targets.every((state) => states.includes(state)));
      assert.ok(isLive<string>(machine, machine.initial));
    }
  });
});
