import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { eventsOf, openBench, printGate } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import type { Command } from "../../protocol/link.ts";
import { RunDirectory } from "../journal/run-directory.ts";
import { Wishes } from "../journal/wishes.ts";
import { Runs } from "../runs.ts";

const AGENT = `cp "$bench/prompt" "$bench/prompt-$n"; touch "new-$n"; ${printGate(true)}`;
const MESSAGES = [
  { id: "m1", kind: "person", text: "Use tabs" },
  { id: "m2", kind: "event", text: "It conflicts in a.txt" },
] as const;

test("a run starts from the tip of the branch that it is to start at, as it is then", async () => {
  await using bench = await openBench({ agent: AGENT });
  const { repository } = bench;
  const tip = commitOn(bench, "makima/goal/integration");
  // git itself would take the tag first.
  repository.run(repository.dir, "tag", "makima/goal/integration", repository.base);
  await using runs = await openRuns(bench);
  assert.equal(await runs.execute(spawn(bench, { ref: "makima/goal/integration", required: true })), null);
  await finished(bench);
  const [checkout] = eventsOf(await bench.events(), "checkout");
  assert.deepEqual([checkout?.base, checkout?.head], [tip, tip]);
  assert.equal((await RunDirectory.open(bench.path)).spec.base, tip);
  assert.equal(repository.run(repository.dir, "merge-base", tip, bench.spec.branch), tip);
});

test("a run starts from a tag or a commit, and from its base where there is no such thing", async () => {
  for (const [ref, found] of [
    ["v1", true],
    ["makima/goal/integration", false],
    ["--all", false],
  ] as const) {
    await using bench = await openBench({ agent: AGENT });
    const tip = commitOn(bench, "side");
    bench.repository.run(bench.repository.dir, "tag", "v1", tip);
    await using runs = await openRuns(bench);
    assert.equal(await runs.execute(spawn(bench, { ref, required: false })), null);
    await finished(bench);
    assert.equal(eventsOf(await bench.events(), "checkout")[0]?.base, found ? tip : bench.spec.base);
  }
});

test("a run does not start where its start must be and is not, or where it may not be looked for", async () => {
  await using bench = await openBench({ agent: AGENT });
  await using runs = await openRuns(bench);
  const unknown = await runs.execute(spawn(bench, { ref: "nowhere", required: true }));
  assert.equal(unknown?.code, "base_unknown");
  assert.match(unknown?.message ?? "", /"nowhere"/);
  bench.services.allowsRepository = () => false;
  const forbidden = await runs.execute(spawn(bench, { ref: "main", required: true }));
  assert.equal(forbidden?.code, "forbidden");
  assert.equal(existsSync(join(bench.path, "spec.json")), false);
  await using _next = await openRuns(bench);
  assert.deepEqual(readdirSync(dirname(bench.path)), [], "a start leaves nothing of it");
});

test("a run's first prompt holds the messages that came with it, once, however often the command comes", async () => {
  await using bench = await openBench({ agent: AGENT });
  await using runs = await openRuns(bench);
  for (let time = 0; time < 2; time += 1) assert.equal(await runs.execute(spawn(bench)), null);
  await finished(bench);
  await assertHeardAtFirst(bench);
  assert.equal(await runs.execute(spawn(bench)), null);
  await assertHeardAtFirst(bench);
});

test("a run that a crash cut short before it was one begins with its messages all the same", async () => {
  await using bench = await openBench({ agent: AGENT });
  await mkdir(bench.path);
  const wishes = await Wishes.open(bench.path);
  await wishes.say(MESSAGES[0]);
  await using runs = await openRuns(bench);
  assert.equal(existsSync(bench.path), false);
  assert.equal(await runs.execute(spawn(bench)), null);
  await finished(bench);
  await assertHeardAtFirst(bench);
});

test("a run that was one before the crash goes on with its messages and its start, though the branch has moved", async () => {
  await using bench = await openBench({ agent: AGENT });
  const at = { ref: "side", required: true };
  const tip = commitOn(bench, "side");
  {
    // Nothing of it is worked on: the daemon dies as soon as the directory is a run's.
    const directory = await RunDirectory.create(dirname(bench.path), bench.spec, async (path) => {
      const wishes = await Wishes.open(path);
      for (const message of MESSAGES) await wishes.say(message);
      return { base: tip };
    });
    directory.closeJournal();
  }
  bench.repository.run(bench.repository.dir, "branch", "--quiet", "--delete", "--force", "side");
  await using runs = await openRuns(bench);
  assert.equal(await runs.execute(spawn(bench, at)), null);
  await finished(bench);
  await assertHeardAtFirst(bench);
  assert.equal(eventsOf(await bench.events(), "checkout")[0]?.base, tip);
});

type SpawnTask = Extract<Command, { kind: "SpawnTask" }>;

function spawn({ spec }: Bench, startAt: SpawnTask["startAt"] = null): SpawnTask {
  return { kind: "SpawnTask", spec, startAt, messages: [...MESSAGES] };
}

function openRuns(bench: Bench): Promise<Runs> {
  return Runs.open(dirname(bench.path), bench.services);
}

/** A commit on a new branch, which nobody has checked out. */
function commitOn({ repository }: Bench, branch: string): string {
  const { dir, base } = repository;
  const commit = repository.run(dir, "commit-tree", "-p", base, "-m", "More", `${base}^{tree}`);
  repository.run(dir, "branch", branch, commit);
  return commit;
}

async function finished(bench: Bench): Promise<void> {
  await until(async () => eventsOf(await bench.events(), "finished").length > 0, "the run ends");
  assert.equal((await bench.finished()).outcome, "completed");
}

async function assertHeardAtFirst(bench: Bench): Promise<void> {
  assert.deepEqual(
    eventsOf(await bench.events(), "message").map(({ id, kind, index }) => [id, kind, index]),
    MESSAGES.map(({ id, kind }) => [id, kind, 1]),
  );
}
