import assert from "node:assert/strict";
import { existsSync, readFileSync, truncateSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { Death } from "../../test/fixtures/daemon-killed.ts";
import { liveAndDie } from "../../test/support/killed-daemon.ts";
import { eventsOf, openBench, printGate, runSpec } from "../../test/support/run.ts";
import type { Bench } from "../../test/support/run.ts";
import { until } from "../../test/support/until.ts";
import { RunDirectory } from "./journal/run-directory.ts";
import { Runs } from "./runs.ts";

/** One commit on the branch, one change that is not committed, and it goes on. */
const AT_WORK = `echo committed >committed; git add committed; git commit -qm work; echo open >open; echo $$ >"$bench/pid"; touch "$bench/running"; exec sleep 600`;

test("a fenced run is stopped and put aside: its work under a ref of its own, its branch as it was, its checkout gone", async () => {
  await using bench = await openBench({ agent: AT_WORK });
  await using runs = await openRuns(bench);
  const server = connect(runs);
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await atWork(bench);
  const pid = Number(await readFile(join(bench.repository.root, "pid"), "utf8"));
  const tip = branchTip(bench);
  runs.fence(bench.spec.runId);
  runs.fence(bench.spec.runId);
  const { frames } = server;
  assert.deepEqual(runs.undelivered(), []);
  await letGo(bench);
  assert.equal(server.frames, frames, "nothing of it is uploaded any more");
  assert.throws(() => process.kill(pid, 0));
  assertPutAside(bench, tip);
  const { outcome, reason } = await bench.finished();
  assert.deepEqual([outcome, reason], ["cancelled", "Replaced by a newer run of the task"]);
  runs.fence("unknown");
});

test("a fenced run that was only being prepared ends without an agent", async () => {
  await using bench = await openBench({ agent: AT_WORK });
  await using runs = await openRuns(bench);
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  runs.fence(bench.spec.runId);
  await letGo(bench);
  assert.equal(existsSync(join(bench.repository.root, "running")), false);
  assert.deepEqual(bench.checkouts(), []);
});

test("a fenced run that had failed before anybody heard of it is put aside as well", async () => {
  await using bench = await openBench({
    agent: `echo open >open; ${printGate(false)}`,
    spec: { autonomousLoop: false },
  });
  await using runs = await openRuns(bench);
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await until(async () => eventsOf(await bench.events(), "finished").length > 0, "it fails");
  assert.equal(bench.checkouts().length, 1);
  runs.fence(bench.spec.runId);
  await letGo(bench);
  assert.equal(salvaged(bench, "open"), "open");
  assert.deepEqual(bench.checkouts(), []);
});

test("a fenced run keeps its checkout when it holds what git cannot keep, and is put aside once it does not", async () => {
  const nested = `git init -q nested; echo x >nested/file; git -C nested add file; git -C nested commit -qm nested`;
  await using bench = await openBench({ agent: `${nested}; ${AT_WORK}` });
  {
    await using runs = await openRuns(bench);
    await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
    await atWork(bench);
    runs.fence(bench.spec.runId);
    await until(async () => eventsOf(await bench.events(), "finished").length > 0, "it is stopped");
  }
  const [checkout = ""] = bench.checkouts();
  assert.equal(readFileSync(join(checkout, "nested/file"), "utf8"), "x\n");
  assert.equal(salvaged(bench, "open"), "open");
  assert.equal(existsSync(join(bench.path, "acks.json")), false);
  bench.repository.run(checkout, "-c", "core.hooksPath=/dev/null", "clean", "-ffdxq", "nested");
  await using _runs = await openRuns(bench);
  await letGo(bench);
  assert.deepEqual(bench.checkouts(), []);
});

test("a fenced run leaves room for the run that takes the task over, on the same daemon", async () => {
  await using bench = await openBench({ agent: `[ $n -gt 1 ] || { ${AT_WORK}; }; touch new; ${printGate(true)}` });
  await using runs = await openRuns(bench);
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await atWork(bench);
  const tip = branchTip(bench);
  runs.fence(bench.spec.runId);
  const newer = { ...bench.spec, runId: runSpec().runId, fence: 2, branch: `${bench.spec.branch}-2` };
  assert.equal(
    await runs.execute({ kind: "SpawnTask", spec: { ...newer, resume: resumed(bench) }, startAt: null, messages: [] }),
    null,
  );
  await letGo(bench);
  const directory = await RunDirectory.open(join(dirname(bench.path), newer.runId));
  await until(async () => eventsOf(await directory.readJournal(), "finished").length > 0, "the newer run ends");
  assertPutAside(bench, tip);
  const { repository } = bench;
  assert.equal(repository.run(repository.dir, "diff", "--name-only", repository.base, newer.branch), "new");
});

const deaths: Death[] = [
  { moment: "before", point: "stop" },
  { moment: "after", point: "stop" },
  { moment: "before", point: "finished" },
  { moment: "after", point: "finished" },
  { moment: "before", point: "git update-ref --no-deref -m makima: salvaged" },
  { moment: "after", point: "git update-ref --no-deref -m makima: salvaged" },
  { moment: "before", point: "git commit-tree" },
  { moment: "after", point: "git commit-tree" },
];
for (const death of deaths) {
  test(`a fenced run is put aside, though its daemon was killed ${death.moment} ${death.point}`, async () => {
    await using bench = await openBench({ agent: AT_WORK });
    await liveAndDie(bench, { fence: true, death });
    const tip = branchTip(bench);
    await using runs = await openRuns(bench);
    assert.deepEqual(runs.undelivered(), []);
    await letGo(bench);
    assertPutAside(bench, tip);
    assert.equal(eventsOf(await bench.events(), "iteration-started").length, 1, "no agent was started again");
  });
}

test("a journal that a power cut has shortened is no run's any more: it is put aside, and nothing of it is uploaded", async () => {
  await using bench = await openBench({ agent: AT_WORK });
  const journal = join(bench.path, "events");
  {
    await using runs = await openRuns(bench);
    await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
    await atWork(bench);
  }
  const { length } = readFileSync(journal);
  truncateSync(journal, length - 10);
  await using runs = await openRuns(bench);
  // By now this daemon may have written more than was lost.
  await until(async () => eventsOf(await bench.events(), "iteration-started").length > 0, "it is taken up");
  const server = connect(runs, { [bench.spec.runId]: { events: length } });
  await letGo(bench);
  assert.equal(server.frames, 0);
  assert.equal(salvaged(bench, "open"), "open");
  assert.match((await bench.finished()).reason, /shorter than what the server has/);
});

test("a journal that a power cut has shortened is recognised by an acknowledgement of more than there is, too", async () => {
  await using bench = await openBench({ agent: AT_WORK });
  await using runs = await openRuns(bench);
  connect(runs);
  await runs.execute({ kind: "SpawnTask", spec: bench.spec, startAt: null, messages: [] });
  await atWork(bench);
  runs.acknowledge(bench.spec.runId, "events", 1_000_000);
  await letGo(bench);
  assert.equal(salvaged(bench, "open"), "open");
});

async function openRuns(bench: Bench): Promise<Runs> {
  return Runs.open(dirname(bench.path), bench.services);
}

/** A server that stores nothing and acknowledges what it is sent. */
function connect(runs: Runs, acked: Record<string, Record<string, number>> = {}): { frames: number } {
  const server = { frames: 0 };
  runs.connect(() => void (server.frames += 1), acked);
  return server;
}

function resumed({ spec }: Bench) {
  return { runId: spec.runId, sessionId: null, breaker: null, costUsd: 0 };
}

async function atWork({ repository }: Bench): Promise<void> {
  await until(() => existsSync(join(repository.root, "running")), "the agent is at work");
}

/** The daemon has nothing more to do with the run. */
async function letGo(bench: Bench): Promise<void> {
  await until(() => existsSync(join(bench.path, "acks.json")), "the run is let go of");
}

function branchTip({ repository, spec }: Bench): string {
  return repository.run(repository.dir, "rev-parse", spec.branch);
}

function salvaged({ repository, spec }: Bench, path: string): string {
  return repository.run(repository.dir, "show", `refs/makima/salvage/${spec.taskId}/${spec.runId}:${path}`);
}

function assertPutAside(bench: Bench, tip: string): void {
  const { repository, spec } = bench;
  const ref = `refs/makima/salvage/${spec.taskId}/${spec.runId}`;
  assert.deepEqual([salvaged(bench, "committed"), salvaged(bench, "open")], ["committed", "open"]);
  assert.equal(repository.run(repository.dir, "merge-base", tip, ref), tip, "the branch is part of it");
  assert.equal(branchTip(bench), tip, "the branch is as it was");
  assert.ok(!bench.checkouts().some((dir) => existsSync(join(dir, "open"))), "its checkout is gone");
}
