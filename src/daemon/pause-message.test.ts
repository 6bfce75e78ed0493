import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bash, hang } from "../../test/scripted-model/script.ts";
import type { Script } from "../../test/scripted-model/script.ts";
import { startScriptedModel } from "../../test/scripted-model/server.ts";
import { claudeCommand, claudeEnvironment } from "../../test/support/claude.ts";
import { openLinkServer } from "../../test/support/link-server.ts";
import type { Peer } from "../../test/support/link-server.ts";
import { openTestRepository } from "../../test/support/repository.ts";
import { eventsOf, runSpec, silent } from "../../test/support/run.ts";
import { until } from "../../test/support/until.ts";
import { claim, promptsOf } from "../../test/support/workshop.ts";
import { systemClock } from "../platform/clock.ts";
import { defaultAgent } from "../platform/config/config.ts";
import { paths } from "../platform/config/paths.ts";
import { killByEnvironment } from "../platform/process/reap.ts";
import { LINK_VERSION } from "../protocol/link.ts";
import { startDaemon } from "./daemon.ts";

/** The real Claude Code under a real daemon; the model and the server follow a script. */

/** Works on and on in its first turn, and is done in the next. */
const INTERRUPTIBLE: Script = ({ iteration }) => {
  return iteration === 0 ? [bash("touch ../../running; echo half >half"), hang()] : [bash("echo new >new"), claim()];
};

test("Claude Code is interrupted by a message, and its session goes on with what the person says", async () => {
  await using bench = await openBench(INTERRUPTIBLE);
  const { peer, spec, model } = bench;
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec }), null);
  await bench.atWork();
  const message = { kind: "MessageTask", runId: spec.runId, messageId: "m1", text: "Write it in Rust" } as const;
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
    [["m1", 2, message.text]],
  );
  const prompts = promptsOf(model);
  assert.equal(prompts.length, 2);
  assert.match(prompts[1] ?? "", /says to you now:\n\nWrite it in Rust\n\n[^]*<COMPLETION_GATE>/);
  assert.deepEqual(sessionsOf(model), [first?.sessionId]);
});

test("Claude Code is interrupted before it has read its prompt, and is told all of it again", async () => {
  await using bench = await openBench(() => [bash("echo new >new"), claim()]);
  const { peer, spec, model } = bench;
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec }), null);
  await until(() => eventsOf(peer.events(spec.runId), "iteration-started")[0], "it is started");
  const message = { kind: "MessageTask", runId: spec.runId, messageId: "m1", text: "Write it in Rust" } as const;
  assert.equal(await peer.execute("2", message), null);
  const events = await bench.finished();
  assert.equal(eventsOf(events, "finished")[0]?.outcome, "completed");
  assert.equal(eventsOf(events, "message").length, 1);
  assert.match(promptsOf(model).at(-1) ?? "", /^Make it work\n\n[^]*Write it in Rust/);
});

test("Claude Code is paused, and its session goes on when the run does", async () => {
  await using bench = await openBench(INTERRUPTIBLE);
  const { spec, model } = bench;
  assert.equal(await bench.peer.execute("1", { kind: "SpawnTask", spec }), null);
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
  await using bench = await openBench(() => [bash("echo new >new"), claim()]);
  const { peer, repository, model } = bench;
  const { dir } = repository;
  const tree = repository.run(dir, "rev-parse", "HEAD^{tree}");
  const earlier = repository.run(dir, "commit-tree", "-p", repository.base, "-m", "Earlier", tree);
  repository.run(dir, "branch", bench.spec.branch, earlier);
  const resume = { runId: "elsewhere", sessionId: null, breaker: null, costUsd: 1 };
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec: { ...bench.spec, resume } }), null);
  const events = await bench.finished();
  const [started] = eventsOf(events, "iteration-started");
  assert.equal(started?.resumed, false);
  assert.deepEqual(sessionsOf(model), [started?.sessionId]);
  assert.match(promptsOf(model)[0] ?? "", /^Make it work\n\nWork on this may have begun already/);
  assert.equal(repository.run(dir, "merge-base", earlier, bench.spec.branch), earlier);
  assert.equal(eventsOf(events, "finished")[0]?.outcome, "completed");
});

async function openBench(script: Script) {
  await using stack = new AsyncDisposableStack();
  const repository = stack.use(await openTestRepository());
  const model = stack.use(await startScriptedModel(script));
  const server = stack.use(await openLinkServer());
  const spec = runSpec({ repository: repository.dir, base: repository.base, agent: "claude" });
  stack.defer(async () => assert.ok(await killByEnvironment("MAKIMA_RUN_ID", spec.runId)));
  const env = claudeEnvironment(repository.root, model.url);
  stack.use(
    await startDaemon({
      paths: paths(join(repository.root, "makima")),
      serverUrl: server.url,
      key: "mk_daemon_test",
      name: "box",
      maxTasks: 4,
      labels: {},
      loadAgents: async () => ({ claude: { ...defaultAgent("claude"), command: [claudeCommand], env } }),
      passEnv: [],
      environment: repository.environment,
      repositories: null,
      worktrees: repository.worktrees,
      log: silent,
      clock: systemClock,
    }),
  );
  const peer = await welcomed(server);
  const owned = stack.move();
  return {
    repository,
    model,
    spec,
    peer,
    atWork: () => until(() => existsSync(join(repository.root, "running")), "the agent is at work"),
    finished: () => {
      return until(() => {
        const events = peer.events(spec.runId);
        return events.at(-1)?.type === "finished" ? events : null;
      }, "the run ends");
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function welcomed(server: Awaited<ReturnType<typeof openLinkServer>>): Promise<Peer> {
  const { peer } = await server.connection();
  peer.store();
  assert.equal((await peer.heard()).type, "hello");
  peer.say({ type: "welcome", version: LINK_VERSION, acked: {} });
  return peer;
}

function sessionsOf(model: Awaited<ReturnType<typeof startScriptedModel>>): string[] {
  return [...new Set(model.requests.filter(({ role }) => role === "main").map(({ session }) => session))];
}
