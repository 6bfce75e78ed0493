import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { MAX_GOAL } from "../../protocol/routes.ts";
import { readGoal } from "./goal.ts";

let cwd: string;
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), "makima-goal-"));
});
after(() => rm(cwd, { recursive: true }));

const NOTHING = Readable.from([]);

function refused(goal: Promise<string>, message: RegExp): Promise<void> {
  return assert.rejects(goal, (error) => {
    assert.ok(error instanceof MakimaError);
    assert.equal(error.code, "goal_invalid");
    assert.match(error.message, message);
    return true;
  });
}

test("a goal comes from the argument, from stdin or from a file", async () => {
  await writeFile(join(cwd, "goal.md"), "from a file\n");
  assert.equal(await readGoal("  in words ", { cwd, stdin: NOTHING }), "in words");
  assert.equal(
    await readGoal("-", { cwd, stdin: Readable.from([Buffer.from("from "), Buffer.from("stdin")]) }),
    "from stdin",
  );
  assert.equal(await readGoal("@goal.md", { cwd, stdin: NOTHING }), "from a file");
});

test("what says nothing, or was meant as an option, is refused wherever it comes from", async () => {
  await writeFile(join(cwd, "blank"), "\n \t\n");
  await refused(readGoal("", { cwd, stdin: NOTHING }), /empty/);
  await refused(readGoal("@blank", { cwd, stdin: NOTHING }), /empty/);
  await refused(readGoal("-", { cwd, stdin: NOTHING }), /empty/);
  await refused(readGoal("--dangerous", { cwd, stdin: NOTHING }), /option/);
  await refused(readGoal("-", { cwd, stdin: Readable.from([Buffer.from("--x")]) }), /option/);
  await refused(readGoal("@missing", { cwd, stdin: NOTHING }), /ENOENT/);
  await refused(readGoal("-", { cwd, stdin: Readable.from([Buffer.from([0xff, 0xfe])]) }), /UTF-8/);
});

test("the longest goal passes, and an endless one is not read to its end", async () => {
  assert.equal((await readGoal("é".repeat(MAX_GOAL), { cwd, stdin: NOTHING })).length, MAX_GOAL);
  await refused(readGoal("x".repeat(MAX_GOAL + 1), { cwd, stdin: NOTHING }), /longer than 1,000,000/);
  let read = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        read += 65_536;
        yield Buffer.alloc(65_536, "x");
      }
    })(),
  );
  await refused(readGoal("-", { cwd, stdin: endless }), /longer than/);
  assert.ok(read < 4 * MAX_GOAL);
});
