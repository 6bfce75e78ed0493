import assert from "node:assert/strict";
import { test } from "node:test";
import { bash, hang } from "../../test/scripted-model/script.ts";
import type { Script } from "../../test/scripted-model/script.ts";
import { openClaudeBench, sessionsOf } from "../../test/support/claude-bench.ts";
import { eventsOf } from "../../test/support/run.ts";
import { until } from "../../test/support/until.ts";
import { claim, promptsOf } from "../../test/support/workshop.ts";

/** The real Claude Code under a real daemon; the model and the server follow a script. */

/** Works on and on in its first turn, and is done in the next. */
const INTERRUPTIBLE: Script = ({ iteration }) => {
  return iteration === 0 ? [bash("touch ~/running; echo half >half"), hang()] : [bash("echo new >new"), claim()];
};

test("Claude Code is interrupted by a message, and its session goes on with what the person says", async () => {
  await using bench = await openClaudeBench(INTERRUPTIBLE);
  const { peer, spec, model } = bench;
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec, startAt: null, messages: [] }), null);
  await bench.atWork();
  const message = {
    kind: "MessageTask",
    runId: spec.runId,
    message: { id: "m1", kind: "person", text: "Write it in Rust" },
  } as const;
  assert.equal(await peer.execute("2", message), null);
  assert.equal(await peer.execute("3", message), null);
  const events = await bench.finished();
  const [first, second] = eventsOf(events, "verdict");
  assert.deepEqual(
    [first?.verdict, first?.reason, first?.uncounted, first?.errorCode, first?.breaker["iterations"]],
    ["continue", "Interrupted by a message", true, null, 0],
  );
  assert.deepEqual([second?.verdict, second?.sessionId], ["done", first?.sessionId]);
  assert.deepEqual(
    eventsOf(events, "message").map(({ id, index, text }) => [id, index, text]),
    [["m1", 2, message.message.text]],
  );
  const prompts = promptsOf(model);
  assert.equal(prompts.length, 2);
  assert.match(prompts[1] ?? "", /says to you now:\n\nWrite it in Rust\n\n[^]*<COMPLETION_GATE>/);
  assert.deepEqual(sessionsOf(model), [first?.sessionId]);
});

test("Claude Code is interrupted before it has read its prompt, and is told all of it again", async () => {
  await using bench = await openClaudeBench(() => [bash("echo new >new"), claim()]);
  const { peer, spec, model } = bench;
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec, startAt: null, messages: [] }), null);
  await until(() => eventsOf(peer.events(spec.runId), "iteration-started")[0], "it is started");
  const message = {
    kind: "MessageTask",
    runId: spec.runId,
    message: { id: "m1", kind: "person", text: "Write it in Rust" },
  } as const;
  assert.equal(await peer.execute("2", message), null);
  const events = await bench.finished();
  assert.equal(eventsOf(events, "finished")[0]?.outcome, "completed");
  assert.equal(eventsOf(events, "message").length, 1);
  assert.match(promptsOf(model).at(-1) ?? "", /^Make it work\n\n[^]*Write it in Rust/);
});

test("Claude Code is paused, and its session goes on when the run does", async () => {
  await using bench = await openClaudeBench(INTERRUPTIBLE);
  const { spec, model } = bench;
  assert.equal(await bench.peer.execute("1", { kind: "SpawnTask", spec, startAt: null, messages: [] }), null);
  await bench.atWork();
  assert.equal(await bench.peer.execute("2", { kind: "PauseTask", runId: spec.runId }), null);
  await until(() => eventsOf(bench.peer.events(spec.runId), "paused")[0], "it is paused");
  assert.equal(await bench.peer.execute("3", { kind: "PauseTask", runId: spec.runId }), null);
  assert.equal(await bench.peer.execute("4", { kind: "ResumeTask", runId: spec.runId }), null);
  const events = await bench.finished();
  const verdicts = eventsOf(events, "verdict").map(({ verdict, uncounted, reason }) => [verdict, uncounted, reason]);
  assert.deepEqual(verdicts[0], ["continue", true, "Paused"]);
  assert.equal(verdicts[1]?.[0], "done");
  assert.match(promptsOf(model)[1] ?? "", /^You were interrupted. Go on where you stopped/);
  assert.equal(sessionsOf(model).length, 1);
});

test("Claude Code begins a session of its own where another machine's run is gone on with, on that run's branch", async () => {
  await using bench = await openClaudeBench(() => [bash("echo new >new"), claim()]);
  const { peer, repository, model } = bench;
  const { dir } = repository;
  const tree = repository.run(dir, "rev-parse", "HEAD^{tree}");
  const earlier = repository.run(dir, "commit-tree", "-p", repository.base, "-m", "Earlier", tree);
  repository.run(dir, "branch", bench.spec.branch, earlier);
  const resume = { runId: "elsewhere", sessionId: null, breaker: null, costUsd: 1 };
  assert.equal(
    await peer.execute("1", { kind: "SpawnTask", spec: { ...bench.spec, resume }, startAt: null, messages: [] }),
    null,
  );
  const events = await bench.finished();
  const [started] = eventsOf(events, "iteration-started");
  assert.equal(started?.resumed, false);
  assert.deepEqual(sessionsOf(model), [started?.sessionId]);
  assert.match(promptsOf(model)[0] ?? "", /^Make it work\n\nWork on this may have begun already/);
  assert.equal(repository.run(dir, "merge-base", earlier, bench.spec.branch), earlier);
  assert.equal(eventsOf(events, "finished")[0]?.outcome, "completed");
});
