import assert from "node:assert/strict";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { say } from "../scripted-model/script.ts";
import { until } from "../support/until.ts";
import { gate, makeWorkshop } from "../support/workshop.ts";

/** A run that is going nowhere ends, says why, and keeps what there is. */

const NO_BACKOFF = '[loop]\nretryBackoff = "0s"\n';

it("the breaker opens at the maximum of iterations, and names the worktree that it keeps", async () => {
  await using shop = await makeWorkshop({ agent: { program: "adds-files.sh" } });
  const { code, document } = await shop.run("Go on", "--max-iterations", "4");
  assert.equal(code, 1);
  // Four iterations, although the limit for those without changes is three: an untracked file is a change.
  assert.deepEqual(
    document.iterations.map(({ changed }) => changed),
    [true, true, true, true],
  );
  assert.deepEqual(
    [document.task.status, document.task.reason, document.contract.status],
    ["failed", "Maximum iterations (4) reached", "active"],
  );
  const worktree = document.worktree ?? "none";
  await access(worktree);
  assert.ok(shop.git("worktree", "list").includes(worktree));
  const files = shop.git("diff", "--name-only", `${shop.base}...${document.task.branch}`).split("\n");
  assert.equal(files.length, 4, "what was left uncommitted is on the branch");
});

it("the breaker opens when Claude Code changes nothing again and again", async () => {
  const turns = [[say(gate(false, { blockers: ["I do not know how"] }))]];
  await using shop = await makeWorkshop({ turns, config: "[loop]\nnoChangeThreshold = 2\n" });
  const { code, document } = await shop.run("Square the circle");
  assert.equal(code, 1);
  assert.equal(document.task.reason, "No file changes for 2 consecutive runs");
  assert.deepEqual(
    document.iterations.map(({ verdict, changed }) => [verdict, changed]),
    [
      ["continue", false],
      ["stop", false],
    ],
  );
  assert.equal(new Set(document.iterations.map(({ sessionId }) => sessionId)).size, 1);
});

it("the breaker opens at the same error, whatever time and paths are in it", async () => {
  const config = '[loop]\nretryBackoff = "0s"\nsameErrorThreshold = 3\n';
  await using shop = await makeWorkshop({ agent: { program: "fails-alike.sh" }, config });
  const { code, document } = await shop.run("Connect");
  assert.equal(code, 1);
  assert.equal(document.iterations.length, 3);
  assert.match(document.task.reason ?? "", /^Same error repeated 3 times: .*cannot connect/);
  for (const { error, changed } of document.iterations) {
    assert.match(error ?? "", /exit.*3.*Error: cannot connect/s);
    assert.equal(changed, true);
  }
});

it("the breaker opens at the same failing check", async () => {
  const config = "[loop]\nsameErrorThreshold = 2\nnoChangeThreshold = 10\n";
  await using shop = await makeWorkshop({ agent: { program: "is-ready-at-once.sh" }, config });
  const { code, document } = await shop.run("Do the impossible", "--check", "echo no way; exit 7");
  assert.equal(code, 1);
  assert.equal(document.iterations.length, 2);
  assert.match(document.task.reason ?? "", /^Same error repeated 2 times: Check failed: echo no way; exit 7/);
  assert.deepEqual(document.checks, [{ command: "echo no way; exit 7", passed: false, exitCode: 7, baseline: false }]);
});

it("the breaker lets one probe through when the task is resumed, and closes if that one gets on", async () => {
  await using shop = await makeWorkshop({ agent: { program: "changes-nothing.sh" }, config: NO_BACKOFF });
  const stuck = await shop.run("Write done.txt");
  assert.equal(stuck.code, 1);
  const { id } = stuck.document.task;

  const probe = await shop.resume(id);
  assert.equal(probe.code, 1);
  assert.equal(probe.document.iterations.length, 1);
  assert.match(probe.document.task.reason ?? "", /^No progress after resuming; before: No file changes for 3/);
  assert.equal(probe.document.worktree, stuck.document.worktree, "it goes on in the same worktree");

  await writeFile(join(shop.machine.home, "mended"), "");
  const { code, document, stderr } = await shop.resume(id);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    document.iterations.map(({ verdict }) => verdict),
    ["done"],
  );
  assert.deepEqual([document.task.id, document.task.branch], [id, stuck.document.task.branch]);
  assert.equal(document.contract.status, "completed");
  assert.equal(shop.show(document.task.branch, "done.txt"), "done");
});

it("the breaker opens at the limit of time, also in the middle of an iteration that nobody follows", async () => {
  await using shop = await makeWorkshop({ agent: { program: "goes-silent.sh" } });
  const { code, stderr } = await shop.makima("run", "Hurry", "--agent", "goes-silent", "--timeout", "2s", "--detach");
  assert.equal(code, 0, stderr);
  const task = await until(async () => {
    const now = await shop.task();
    return now?.status === "failed" ? now : null;
  }, "the task has failed");
  assert.equal(task.reason, "Time limit of 2 s reached");
  assert.equal(task.iterations, 1);
});

it("a run that is not done in time exits with 7", async () => {
  await using shop = await makeWorkshop({ agent: { program: "goes-silent.sh" } });
  const { code, document, stderr } = await shop.run("Hurry", "--timeout", "2s");
  assert.equal(code, 7, stderr);
  assert.match(stderr, /"code":"timed_out"/);
  assert.equal(document.iterations.length, 1);
});
