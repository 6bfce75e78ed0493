import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { openBench, printGate } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import { checkoutOfTask, NEVER, openWorktrees } from "../../../test/support/worktrees.ts";
import type { WorktreesBench } from "../../../test/support/worktrees.ts";
import { ManualClock } from "../../server/testing/manual-clock.ts";
import { Runs } from "../runs.ts";
import { Worktrees } from "./worktrees.ts";

test("worktrees are listed with size and state, those as well that makima did not make", async () => {
  await using bench = await openWorktrees({ quotaBytes: 1e9 });
  const { repository: r } = bench;
  const big = await checkoutOfTask(r, "wanted");
  await writeFile(join(big.dir, "big"), Buffer.alloc(900_000, 1));
  const over = await checkoutOfTask(r, "over");
  const deleted = await checkoutOfTask(r, "deleted");
  await rm(deleted.dir, { recursive: true });
  await writeFiles(r.worktrees, { "theirs/file": "x", "odd.json": "{}" });
  const listed = await bench.carryOut({ kind: "ListWorktrees", salvaged: false, wanted: ["wanted", "elsewhere"] });
  const states = Object.fromEntries(
    listed.worktrees.map(({ dir, state }) => [dir.slice(r.worktrees.length + 1), state]),
  );
  assert.deepEqual(states, {
    [big.dir.slice(r.worktrees.length + 1)]: "kept",
    [over.dir.slice(r.worktrees.length + 1)]: "unwanted",
    [deleted.dir.slice(r.worktrees.length + 1)]: "unfinished",
    theirs: "unknown",
    "odd.json": "unknown",
  });
  const [first] = listed.worktrees;
  assert.deepEqual([first?.dir, first?.repository, first?.branch], [big.dir, r.commonDir, "makima/goal/wanted"]);
  assert.ok((first?.bytes ?? 0) >= 900_000 && listed.bytes > (first?.bytes ?? 0));
  for (const { changedAt } of listed.worktrees) assert.ok(Math.abs(Date.now() - changedAt) < 600_000);
  assert.deepEqual([listed.root, listed.quota, listed.salvaged, listed.truncated], [r.worktrees, 1e9, [], false]);
});

test("worktrees are cleaned but for those that are wanted or strange, or exactly those that are named", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const [wanted, over] = [await checkoutOfTask(r, "wanted"), await checkoutOfTask(r, "over")];
  await writeFile(join(over.dir, "new.txt"), "new\n");
  await writeFiles(r.worktrees, { "theirs/file": "x" });
  const order = { kind: "CleanWorktrees", tasks: null, wanted: ["wanted"] } as const;
  const kept = [{ dir: join(r.worktrees, "theirs"), taskId: null, reason: "makima did not make it" }];
  const foreseen = await bench.carryOut({ ...order, wanted: ["wanted"], dryRun: true });
  assert.deepEqual([foreseen.removed.map(({ dir }) => dir), foreseen.kept], [[over.dir], kept]);
  assert.ok(existsSync(over.dir));
  const cleaned = await bench.carryOut({ ...order, wanted: ["wanted"], dryRun: false });
  const [removed] = cleaned.removed;
  assert.deepEqual(
    [removed?.dir, removed?.taskId, removed?.salvage],
    [over.dir, "over", "refs/makima/salvage/over/checkout"],
  );
  assert.ok((removed?.bytes ?? 0) > 0);
  assert.deepEqual([cleaned.bytes, cleaned.kept, cleaned.truncated], [removed?.bytes, kept, false]);
  assert.ok(existsSync(wanted.dir) && !existsSync(over.dir));
  const named = await bench.carryOut({ kind: "CleanWorktrees", tasks: ["wanted"], wanted: ["wanted"], dryRun: false });
  assert.deepEqual([named.removed.map(({ dir }) => dir), named.kept], [[wanted.dir], []]);
});

test("worktrees that are wanted are cleaned where only half of one is left", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  const { dir } = await checkoutOfTask(r, "wanted");
  await rm(dir, { recursive: true });
  const cleaned = await bench.carryOut({ kind: "CleanWorktrees", tasks: null, wanted: ["wanted"], dryRun: false });
  assert.deepEqual(
    cleaned.removed.map(({ taskId }) => taskId),
    ["wanted"],
  );
  assert.deepEqual(await bench.worktrees.taskIds(), []);
});

test("worktrees that a run is at work in are measured again and never cleaned, and go once it has ended", async () => {
  const agent = `touch "$bench/running"; until [ -e "$bench/go" ]; do sleep 0.02; done; ${printGate(false)}`;
  await using bench = await openBench({ agent, spec: { autonomousLoop: false } });
  const { services, repository: r } = bench;
  await using runs = await Runs.open(dirname(bench.path), services);
  const { git, log, allowsRepository, worktrees: root } = services;
  const clock = new ManualClock();
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await until(() => existsSync(join(r.root, "running")), "the agent is at work");
  const options = { home: r.root, root, git, allowsRepository, runs, clock, log };
  await using worktrees = await Worktrees.open({ ...options, quotaBytes: null, orphanGraceMs: 0 });
  const [dir = ""] = bench.checkouts();
  const { taskId, contractId } = bench.spec;
  const order = { kind: "CleanWorktrees", tasks: [taskId], wanted: [] } as const;
  const reason = "A run of its task is at work";
  for (const dryRun of [true, false]) {
    const answer = await worktrees.carryOut({ ...order, tasks: [taskId], wanted: [], dryRun }, NEVER);
    assert.deepEqual(answer, { removed: [], kept: [{ dir, taskId, reason }], bytes: 0, truncated: false });
  }
  worktrees.welcomed([taskId]);
  const listed = await worktrees.carryOut({ kind: "ListWorktrees", salvaged: false, wanted: [] }, NEVER);
  assert.equal("worktrees" in listed ? listed.worktrees[0]?.state : null, "in-use");
  const before = (await until(() => worktrees.usage(), "they are measured")).bytes;
  await writeFile(join(dir, "big"), Buffer.alloc(500_000, 1));
  await until(() => clock.sleeping.length > 0, "it sleeps");
  clock.advance(10 * 60_000);
  await until(() => (worktrees.usage()?.bytes ?? 0) >= before + 500_000, "it has seen how that grew");
  // The contract is over: its run is stopped, waited for, and its checkout goes.
  assert.equal(await worktrees.cleanUp({ kind: "CleanupWorktree", contractId, taskIds: [] }, NEVER), null);
  assert.deepEqual([existsSync(dir), runs.isAtWork(taskId)], [false, false]);
  assert.equal((await bench.finished()).outcome, "cancelled");
  assert.equal(r.run(r.dir, "cat-file", "-s", `${bench.spec.branch}:big`), "500000");
  await until(() => worktrees.usage()?.bytes === 0, "it counts no more");
});

test("worktrees that were salvaged are listed, and restored as branches", async () => {
  await using bench = await openWorktrees();
  const { repository: r } = bench;
  await salvageOf(bench, "0190aaaa-0000-7000-8000-0000deadbeef", "one");
  await salvageOf(bench, "0190bbbb-0000-7000-8000-0000feedbeef", "two");
  const { salvaged, worktrees } = await bench.carryOut({ kind: "ListWorktrees", salvaged: true, wanted: [] });
  assert.deepEqual(worktrees, []);
  assert.deepEqual(salvaged.map(({ taskId }) => taskId.slice(0, 8)).toSorted(), ["0190aaaa", "0190bbbb"]);
  for (const { repository, subject, commit, ref } of salvaged) {
    assert.deepEqual([repository, subject], [r.commonDir, "What was not committed in the checkout"]);
    assert.equal(commit, r.run(r.dir, "rev-parse", ref));
  }
  const restore = (ref: string, branch: string | null = null) =>
    bench.carryOut({ kind: "RestoreWorktree", ref, branch });
  const refOf = (task: string) => salvaged.find(({ taskId }) => taskId.startsWith(task))?.ref ?? "";
  const first = await restore(refOf("0190aaaa"));
  assert.deepEqual([first.branch, first.repository], ["makima/salvaged/deadbeef", r.commonDir]);
  assert.equal(r.run(r.dir, "show", `${first.branch}:new.txt`), "one");
  // The same again is the same branch; one that went on keeps its name.
  assert.deepEqual(await restore(first.ref), first);
  r.run(r.dir, "branch", "--force", first.branch, "main");
  assert.equal((await restore(first.ref)).branch, "makima/salvaged/deadbeef-2");
  assert.equal((await restore(refOf("0190bbbb"), "topic")).branch, "topic");
  await assert.rejects(restore(first.ref, "main"), { code: "conflict" });
  await assert.rejects(restore(first.ref, "--detach"), { code: "invalid_request" });
  await assert.rejects(restore("refs/makima/salvage/0190"), { code: "not_found" });
});

test("worktrees that were salvaged are listed, and restored, whatever has become of another repository", async () => {
  await using bench = await openWorktrees();
  await using other = await openTestRepository();
  await bench.worktrees.expectIn(other.dir);
  await salvageOf(bench, "task", "one");
  await rm(other.commonDir, { recursive: true });
  await mkdir(other.commonDir);
  const { salvaged } = await bench.carryOut({ kind: "ListWorktrees", salvaged: true, wanted: [] });
  const ref = "refs/makima/salvage/task/checkout";
  assert.deepEqual(
    salvaged.map((one) => one.ref),
    [ref],
  );
  assert.equal((await bench.carryOut({ kind: "RestoreWorktree", ref, branch: null })).ref, ref);
  assert.ok(bench.logged.some(({ msg }) => msg.includes("cannot be listed")));
});

test("worktrees are restored only in repositories where the daemon may work", async () => {
  const allowed = { now: true };
  await using bench = await openWorktrees({ allowsRepository: () => allowed.now });
  await salvageOf(bench, "task", "one");
  allowed.now = false;
  assert.deepEqual((await bench.carryOut({ kind: "ListWorktrees", salvaged: true, wanted: [] })).salvaged, []);
  const ref = "refs/makima/salvage/task/checkout";
  await assert.rejects(bench.carryOut({ kind: "RestoreWorktree", ref, branch: null }), { code: "not_found" });
  allowed.now = true;
  assert.equal((await bench.carryOut({ kind: "RestoreWorktree", ref, branch: null })).ref, ref);
});

/** A task's checkout is removed while a file in it is not committed. */
async function salvageOf(bench: WorktreesBench, taskId: string, content: string): Promise<void> {
  const { dir } = await checkoutOfTask(bench.repository, taskId);
  await writeFile(join(dir, "new.txt"), `${content}\n`);
  await bench.worktrees.expectIn(bench.repository.dir);
  const { removed } = await bench.carryOut({ kind: "CleanWorktrees", tasks: [taskId], wanted: [], dryRun: false });
  assert.equal(removed.length, 1);
}
