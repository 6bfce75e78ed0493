import assert from "node:assert/strict";
import { test } from "node:test";
import { pullRequestBody } from "./pull-request.ts";

const TASK = { id: "018f0000-0000-7000-8000-0000deadbeef", name: "Mend the lexer", status: "completed" };

test("a pull request says what the goal was, what was checked, and whose work it is", () => {
  const body = pullRequestBody({ goal: "  Make the tests pass\n", checks: ["npm test", "echo `id`"], tasks: [TASK] });
  assert.equal(
    body,
    "Make the tests pass\n\n## Checks\n\n- `npm test`\n- `echo 'id'`\n\n## Tasks\n\n- Mend the lexer (deadbeef): completed",
  );
  assert.equal(pullRequestBody({ goal: "Do it", checks: [], tasks: [] }), "Do it");
});

test("a specification is cut, and so are long lists", () => {
  const body = pullRequestBody({
    goal: "😀".repeat(100_000),
    checks: [],
    tasks: Array.from({ length: 60 }, () => TASK),
  });
  assert.ok(body.length < 20_000 && body.isWellFormed());
  assert.match(body, /…\n\n## Tasks\n/);
  assert.match(body, /\n- and 10 more$/);
});
