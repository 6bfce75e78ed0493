import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { afterMerge, givenUpText, refusalText, sendBackText } from "./merging.ts";
import type { MergeFacts, RefusedMerge } from "./merging.ts";
import { TASK } from "./task-state.ts";
import type { TaskState } from "./task-state.ts";

const STATES = Object.keys(TASK.transitions) as TaskState[];

const facts: fc.Arbitrary<MergeFacts> = fc.record({
  outcome: fc.constantFrom("merged", "up-to-date", "clean", "conflict", "checks-failed", "error"),
  integrates: fc.boolean(),
  byQueue: fc.boolean(),
  task: fc.constantFrom(...STATES),
  sentBack: fc.nat({ max: 3 }),
  contractLive: fc.boolean(),
});

const QUEUED: MergeFacts = {
  outcome: "merged",
  integrates: true,
  byQueue: true,
  task: "completed",
  sentBack: 0,
  contractLive: true,
};

suite("what follows from a merge", () => {
  const cases: [string, Partial<MergeFacts>, ReturnType<typeof afterMerge>][] = [
    ["it worked", {}, "merged"],
    ["there was nothing to merge", { outcome: "up-to-date" }, "merged"],
    ["a person's worked", { byQueue: false, task: "failed" }, "merged"],
    ["the first conflict", { outcome: "conflict" }, "send-back"],
    ["the first red check", { outcome: "checks-failed" }, "send-back"],
    ["the second conflict", { outcome: "conflict", sentBack: 1 }, "conflict"],
    ["the second red check", { outcome: "checks-failed", sentBack: 1 }, "failed"],
    ["a conflict when nobody may work on it", { outcome: "conflict", contractLive: false }, "conflict"],
    ["it could not be tried", { outcome: "error" }, "failed"],
    ["it was only tried, though it was meant", { outcome: "clean" }, "failed"],
    ["a person's conflict", { outcome: "conflict", byQueue: false }, "nothing"],
    ["only a look", { outcome: "clean", integrates: false }, "nothing"],
    ["somebody wanted more of the task meanwhile", { task: "running" }, "nothing"],
    ["somebody has stopped it since", { task: "cancelled", outcome: "conflict" }, "nothing"],
  ];
  for (const [name, some, step] of cases) {
    test(`${name}: ${step}`, () => assert.equal(afterMerge({ ...QUEUED, ...some }), step));
  }

  test("nobody hears of a merge that changes nothing, and nothing is merged that has not been", () => {
    fc.assert(
      fc.property(facts, (one) => {
        const step = afterMerge(one);
        if (!one.integrates || TASK.live.includes(one.task)) assert.equal(step, "nothing");
        if (step === "merged") assert.ok(one.outcome === "merged" || one.outcome === "up-to-date");
        if (step === "conflict") assert.equal(one.outcome, "conflict");
        if (step !== "merged" && step !== "nothing") assert.ok(one.byQueue && one.task === "completed");
      }),
    );
  });

  test("however it goes on, a task goes back to its agent once at most", () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 20 }), (ends) => {
        let sentBack = 0;
        for (const end of ends) if (afterMerge({ ...end, sentBack }) === "send-back") sentBack += 1;
        assert.ok(sentBack <= 1);
      }),
    );
  });
});

const REFUSED: RefusedMerge = {
  outcome: "conflict",
  into: "makima/c/integration-1",
  conflicts: [],
  checks: [],
  output: "",
};

suite("what is told of a merge that was refused", () => {
  test("an agent hears which files conflict, and how to resolve them", () => {
    const conflicts = [
      { path: "a.ts", kind: "contents" },
      { path: "b\u001b[31m.ts\n", kind: "add/add" },
    ];
    const text = sendBackText({ ...REFUSED, conflicts });
    assert.match(text, /These files conflict:\n\n- a\.ts \(contents\)\n- b\.ts \(add\/add\)\n/);
    assert.match(text, /`git merge makima\/c\/integration-1`/);
    assert.equal(refusalText({ ...REFUSED, conflicts }), "Conflicts: a.ts (contents), b.ts (add/add)");
  });

  test("or which checks fail, and the end of what they said", () => {
    const checks = [
      { name: "npm test", passed: false, exitCode: 2, failure: null },
      { name: "lint", passed: true, exitCode: 0, failure: null },
      { name: "slow", passed: false, exitCode: null, failure: null },
      { name: "empty", passed: false, exitCode: 0, failure: "no tests ran" },
    ];
    const red: RefusedMerge = {
      ...REFUSED,
      outcome: "checks-failed",
      checks,
      output: `${"x".repeat(9_000)}\u0000the end`,
    };
    const text = sendBackText(red);
    assert.match(text, /\n- npm test: exit code 2\n- slow: it did not end by itself\n- empty: no tests ran\n/);
    assert.match(text, /Their output ends with:\n…x+\\x00the end\n/);
    assert.ok(!text.includes("lint"));
    assert.match(refusalText(red), /^Checks fail on the merged tree: npm test: exit code 2, slow: /);
    assert.ok(!sendBackText({ ...red, output: "" }).includes("output ends"));
  });

  test("whatever files and checks are called, the texts are bounded, storable and say where", () => {
    const conflict = fc.record({ path: fc.string({ unit: "binary", maxLength: 2_000 }), kind: fc.string() });
    const check = fc.record({
      name: fc.string({ unit: "binary" }),
      passed: fc.boolean(),
      exitCode: fc.option(fc.integer()),
      failure: fc.option(fc.string({ unit: "binary" })),
    });
    const refused = fc.record({
      outcome: fc.constantFrom("conflict", "checks-failed"),
      into: fc.constant("main"),
      conflicts: fc.array(conflict, { maxLength: 100 }),
      checks: fc.array(check, { maxLength: 100 }),
      output: fc.string({ unit: "binary", maxLength: 10_000 }),
    }) satisfies fc.Arbitrary<RefusedMerge>;
    fc.assert(
      fc.property(refused, (merge) => {
        const reason = refusalText(merge);
        const texts = [sendBackText(merge), reason, givenUpText({ task: "T", into: merge.into, reason })];
        for (const text of texts) {
          assert.ok(text.length < 60_000 && text.isWellFormed() && !text.includes("\0"));
        }
        assert.ok(texts[0]?.includes("git merge main") && !reason.includes("\n"));
      }),
    );
  });
});
