import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { GIVE_UP_AFTER, oneLine, resultOfStatus, retryAt, WORDING } from "./notifications.ts";

const SECOND = 1000;
const HOUR = 3_600_000;

test("a delivery is retried after 5 s, doubling up to an hour, for a day", () => {
  const waits: number[] = [];
  let now = 0;
  for (let attempts = 1; ; attempts += 1) {
    const at = retryAt(attempts, 0, now, 0);
    if (at === null) break;
    waits.push(at - now);
    now = at;
  }
  assert.deepEqual(waits.slice(0, 4), [5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND]);
  assert.equal(Math.max(...waits), HOUR);
  assert.equal(waits.at(-1), HOUR);
  assert.ok(now <= GIVE_UP_AFTER && now > GIVE_UP_AFTER - HOUR);
});

test("jitter shortens a wait by half at most", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), random, (attempts, share) => {
      const full = retryAt(attempts, 0, 0, 0) ?? 0;
      const at = retryAt(attempts, 0, 0, share) ?? 0;
      assert.ok(at >= full / 2 && at <= full);
    }),
  );
});

test("the status of an answer decides", () => {
  const table = { 200: "delivered", 204: "delivered", 299: "delivered", 301: "retry", 404: "retry", 410: "failed" };
  for (const [status, result] of Object.entries(table)) assert.equal(resultOfStatus(Number(status)), result, status);
  assert.equal(resultOfStatus(500), "retry");
  assert.equal(resultOfStatus(199), "retry");
});

test("texts from agents become plain text of bounded length", () => {
  const { title, body } = WORDING.questionAsked({
    task: "evil\u001b[31m red\nsecond line\u0000",
    text: `\u001b]0;title\u0007which?\u202e${"x".repeat(1_000_000)}`,
    choices: ["\ud800"],
  });
  assert.equal(title, "Question: evil red second line\\x00");
  assert.ok(body.startsWith("which?\\u202exxx"));
  assert.equal(body.length, 2_000);
  assert.ok(body.endsWith("…"));
});

test("whatever is cut stays well-formed, short and free of control characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 2, max: 100 }), (text, max) => {
      const line = oneLine(text, max);
      assert.ok(line.length <= max);
      assert.ok(line.isWellFormed());
      assert.doesNotMatch(line, /\p{Cc}/u);
    }),
  );
});

test("each kind says what a person needs", () => {
  const until = Date.UTC(2026, 0, 2, 3, 4);
  assert.deepEqual(WORDING.taskFailed({ task: "Mend", reason: "No agent", hint: "Install it." }), {
    title: "Failed: Mend",
    body: "No agent\nInstall it.",
  });
  assert.equal(
    WORDING.usageLimitReached({ task: "Mend", reason: "You've hit your limit", until }).body,
    "You've hit your limit\nIt goes on at 2026-01-02 03:04 UTC.",
  );
  assert.deepEqual(WORDING.questionAsked({ task: "Mend", text: "Which?", choices: ["a", "b"] }), {
    title: "Question: Mend",
    body: "Which?\n- a\n- b",
  });
  assert.deepEqual(WORDING.contractDone({ contract: "Mend", report: "report" }), {
    title: "Contract done: Mend",
    body: "What was done stands in its file `report`.",
  });
  assert.match(
    WORDING.budgetSpent({ contract: "Mend", costUsd: 5.014, budgetUsd: 5 }).body,
    /^Its tasks have cost \$5\.01, of a budget of \$5\.00: the contract is paused\.\n/,
  );
});

test("a merge that did not work out names what is in its way, and not too much of it", () => {
  const conflict = { path: "src/a.ts", kind: "contents" };
  assert.deepEqual(WORDING.mergeConflict({ what: "Mend", into: "main", conflicts: [conflict] }), {
    title: "Merge conflict: Mend",
    body: "It could not be merged into main:\n- src/a.ts (contents)",
  });
  const many = Array.from({ length: 25 }, () => conflict);
  const { body } = WORDING.mergeConflict({ what: "Mend", into: "main", conflicts: many });
  assert.match(body, /\nand 15 more$/);
  assert.equal(body.split("\n").length, 12);
  assert.deepEqual(WORDING.mergeFailed({ what: "Mend", into: "main", reason: "The check npm test fails" }), {
    title: "Merge failed: Mend",
    body: "It was not merged into main.\nThe check npm test fails",
  });
});
