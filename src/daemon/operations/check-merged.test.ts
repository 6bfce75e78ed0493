import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { checks, mergeOrder, openOperations, taskWith } from "../../../test/support/operations.ts";
import { until } from "../../../test/support/until.ts";

const INTO = "makima/goal/integration";

test("a merge is made only if the merged tree passes its checks, all of which are run", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n" } });
  const { repository: r } = bench;
  await bench.carryOut(mergeOrder(await taskWith(r, { "b.txt": "two\n" })));
  const tip = r.run(r.dir, "rev-parse", INTO);
  const place = await taskWith(r, { "c.txt": "three\n" }, { name: "task-2" });
  const commands = ["echo lost >&2; exit 3", "test -f b.txt && test -f c.txt", "sleep 60"];
  const order = mergeOrder(place, { checks: checks(...commands) });
  const failed = await bench.carryOut({
    ...order,
    checks: order.checks.with(2, { name: "slow", command: "sleep 60", timeoutMs: 200 }),
  });
  assert.deepEqual([failed.outcome, failed.commit], ["checks-failed", tip]);
  assert.match(failed.tree ?? "", /^[0-9a-f]{40}$/);
  assert.deepEqual(
    failed.checks.map(({ passed, exitCode, failure, baseline, stream }) => [
      passed,
      exitCode,
      failure,
      baseline,
      stream,
    ]),
    [
      [false, 3, "exited 3", null, ""],
      [true, 0, null, null, ""],
      [false, null, "took longer than its time limit", null, ""],
    ],
  );
  assert.match(failed.output, /^\$ echo lost >&2; exit 3\n\s*lost\n\n\$ sleep 60\n$/);
  assert.equal(r.run(r.dir, "rev-parse", INTO), tip);
  const passed = await bench.carryOut({ ...order, checks: checks("test -f b.txt && test -f c.txt") });
  assert.deepEqual([passed.outcome, passed.tree], ["merged", failed.tree]);
  assert.deepEqual(
    passed.checks.map((check) => check.passed),
    [true],
  );
});

test("a merged tree that has passed the checks already is not checked again, and a dry run checks nothing", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const order = mergeOrder(place, { checks: checks("exit 1") });
  assert.equal((await bench.carryOut({ ...order, dryRun: true })).outcome, "clean");
  const tree = r.run(r.dir, "rev-parse", `${place.branch}^{tree}`);
  assert.equal((await bench.carryOut({ ...order, verifiedTrees: ["0".repeat(40)] })).outcome, "checks-failed");
  const merged = await bench.carryOut({ ...order, verifiedTrees: [tree] });
  assert.deepEqual([merged.outcome, merged.checks], ["merged", []]);
});

test("a check of a merge works in a worktree of its own, and gets nothing of the task's", async () => {
  await using bench = await openOperations({ passEnv: ["PASSED"] });
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const seen = join(r.root, "seen");
  const { outcome } = await bench.carryOut(
    mergeOrder(place, { checks: checks(`{ pwd; git log -1 --format=%s; env; } >${seen}`) }),
  );
  assert.equal(outcome, "merged");
  const text = await readFile(seen, "utf8");
  assert.ok(text.startsWith(join(r.worktrees, ".operations-daemon-1")), text);
  assert.match(text, new RegExp(`^Merge ${place.branch}$`, "m"));
  assert.match(text, /^MAKIMA_TASK_ID=task-1$/m);
  assert.doesNotMatch(text, /MAKIMA_(API|RUN)|GIT_/);
});

test("what a check does to the tree is no matter of the next one, nor of anybody else", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const spoil = "echo spoilt >a.txt; rm b.txt; echo built >built";
  const sound = "grep -q one a.txt && grep -q two b.txt && test -f built";
  const merged = await bench.carryOut(mergeOrder(place, { checks: checks(spoil, sound) }));
  assert.equal(merged.outcome, "merged");
  assert.deepEqual(
    merged.checks[0]?.flags.map(({ kind, path }) => [kind, path]),
    [
      ["check-changed-files", "a.txt"],
      ["check-changed-files", "b.txt"],
    ],
  );
  const tip = r.run(r.dir, "rev-parse", place.branch);
  const more = await taskWith(r, { "c.txt": "three\n" });
  const strays = `git checkout --quiet --detach ${tip}`;
  const moved = await bench.carryOut(mergeOrder(more, { checks: checks(strays, "test -f c.txt") }));
  assert.deepEqual(
    [moved.outcome, moved.checks.map(({ failure }) => failure)],
    ["checks-failed", ["moved HEAD", null]],
  );
  assert.equal(r.run(r.dir, "rev-parse", place.branch), r.run(r.dir, "rev-parse", more.branch));
});

test("a check of a merge that leaves a process behind or prints without end does no harm", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const leaves = "setsid sleep 300 & exit 0";
  const floods = "head -c 30000000 /dev/zero | tr '\\0' x; exit 1";
  const failed = await bench.carryOut(
    mergeOrder(place, { checks: checks(leaves, floods, "echo '# tests 0'; echo '# pass 0'") }),
  );
  assert.deepEqual(
    failed.checks.map(({ failure }) => failure),
    [null, "exited 1", "ran no test"],
  );
  assert.ok(failed.output.length <= 16_000);
});

test("a daemon that closes ends the checks of its merges, and the merge comes again", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { "b.txt": "two\n" });
  const began = join(r.root, "began");
  const order = mergeOrder(place, { checks: checks(`echo $$ >>${began}; test -f ${r.root}/go || sleep 300`) });
  const first = bench.operations.execute("1", order);
  const ended = assert.rejects(first, { name: "AbortError" });
  await until(async () => (await readFile(began, "utf8").catch(() => "")) !== "", "the check runs");
  const again = await bench.restart();
  await ended;
  assert.deepEqual(await readdir(join(r.worktrees, ".operations-daemon-1")), []);
  assert.equal(r.run(r.dir, "worktree", "list").split("\n").length, 1);
  await writeFile(join(r.root, "go"), "");
  const answer = await again.execute("1", order);
  assert.equal(answer.result?.["outcome"], "merged");
});
