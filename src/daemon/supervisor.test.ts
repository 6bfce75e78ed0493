import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bash, say, tool } from "../../test/scripted-model/script.ts";
import type { Script } from "../../test/scripted-model/script.ts";
import { openClaudeBench, sessionsOf } from "../../test/support/claude-bench.ts";
import { eventsOf, supervision } from "../../test/support/run.ts";
import { until } from "../../test/support/until.ts";
import { claim, gate, promptsOf } from "../../test/support/workshop.ts";

const MCP_SERVER = fileURLToPath(new URL("../../test/fixtures/mcp-server.ts", import.meta.url));

/** Spawns something and waits, is woken and done, and is done again whenever it is resumed. */
const SUPERVISES: Script = ({ iteration }) => {
  return iteration === 0
    ? [
        bash('makima supervisor spawn beta; echo "$BASH_MAX_TIMEOUT_MS $MAKIMA_API_URL" >>"$HOME/called"'),
        say(gate(false)),
      ]
    : [claim()];
};

test("Claude Code supervises: it calls makima, sleeps, is woken in its session, and resumed in it", async () => {
  const selfCommand = ["sh", "-c", 'echo "$@" >>"$HOME/called"', "makima"];
  await using bench = await openClaudeBench(SUPERVISES, { spec: { supervision }, selfCommand });
  const { peer, spec, model, repository } = bench;
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec, startAt: null, messages: [] }), null);
  await until(() => eventsOf(peer.events(spec.runId), "waiting")[0], "it sleeps");
  const called = readFileSync(join(repository.root, "called"), "utf8");
  assert.equal(called, `supervisor spawn beta\n3600000 ${bench.serverUrl}\n`);
  const { runId } = spec;
  const beta = { id: "m1", kind: "event", text: "Task beta is completed" } as const;
  assert.equal(await peer.execute("2", { kind: "MessageTask", runId, message: beta }), null);
  const events = await bench.finished();
  const [first, last] = eventsOf(events, "verdict");
  assert.deepEqual([first?.verdict, last?.verdict, last?.sessionId], ["wait", "done", first?.sessionId]);

  const resume = { runId, sessionId: last?.sessionId ?? null, breaker: last?.breaker ?? null, costUsd: 0 };
  const again = { ...spec, runId: randomUUID(), fence: 2, resume };
  const words = { id: "m2", kind: "person", text: "Greet louder" } as const;
  assert.equal(await peer.execute("3", { kind: "SpawnTask", spec: again, startAt: null, messages: [words] }), null);
  assert.equal(eventsOf(await bench.finished(again.runId), "verdict")[0]?.sessionId, first?.sessionId);

  assert.deepEqual(sessionsOf(model), [first?.sessionId]);
  const prompts = promptsOf(model);
  assert.equal(prompts.length, 3);
  assert.match(prompts[0] ?? "", /^Make it work\n\nChecklist:/);
  assert.match(prompts[1] ?? "", /^You are woken [^]*has happened:\n\nTask beta is completed$/);
  assert.match(prompts[2] ?? "", /^Your work on this goes on[^]* says to you now:\n\nGreet louder\n/);
  assert.match(JSON.stringify(model.requests[0]?.body["system"]), /makima supervisor\\n/);
});

test("Claude Code is offered makima's MCP server, which gets its token from nowhere but the agent's environment", async () => {
  const script: Script = () => [tool("mcp__makima__surroundings", {}), bash("echo new >new"), claim()];
  const selfCommand = [process.execPath, MCP_SERVER];
  await using bench = await openClaudeBench(script, { agent: { mcp: true }, selfCommand });
  const { peer, spec, model, home } = bench;
  assert.equal(await peer.execute("1", { kind: "SpawnTask", spec, startAt: null, messages: [] }), null);
  assert.equal(eventsOf(await bench.finished(), "finished")[0]?.outcome, "completed");
  const said = JSON.stringify({ args: ["mcp"], key: spec.taskToken, task: spec.taskId });
  assert.ok(
    model.requests.some(({ body }) => JSON.stringify(body.messages).includes(JSON.stringify(said).slice(1, -1))),
  );
  const file = join(home, "runs", spec.runId, "mcp.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(file, "utf8"), /mk_task/);
});
