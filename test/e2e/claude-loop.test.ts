import assert from "node:assert/strict";
import { it } from "node:test";
import { bash, edit, read, say, usage, write } from "../scripted-model/script.ts";
import { claim, gate, makeWorkshop, promptsOf } from "../support/workshop.ts";

/** `makima run` with the real Claude Code, from the command line to the branch. */

/** A check that fails on the base, and prints why. */
const CHECK = "grep -x right answer.txt || { echo 'the answer is not right' >&2; exit 1; }";

it("a run is done at the first ready gate, and prints one document of just the promised shape", async () => {
  await using shop = await makeWorkshop({
    turns: [[write("hello.txt", "hello\n"), usage(2_000, 100), claim("Wrote hello.txt")]],
  });
  const { code, document, stderr } = await shop.run("Say hello", "--name", "Greeting");
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  const { contract, task, iterations, costUsd } = document;
  const [iteration] = iterations;
  assert.ok(iteration);
  assert.match(task.branch ?? "", /^makima\/greeting\/[a-z0-9-]+-[0-9a-f]{8}$/);
  assert.ok(costUsd > 0 && (iteration.durationMs ?? 0) > 0);
  assert.deepEqual(document, {
    contract: { id: contract.id, name: "Greeting", status: "completed" },
    task: {
      id: task.id,
      name: task.name,
      status: "completed",
      branch: task.branch,
      base: shop.base,
      head: shop.git("rev-parse", `${task.branch}`),
      reason: "The agent is ready; there are no checks",
    },
    iterations: [
      {
        index: 1,
        sessionId: shop.model.requests[0]?.session,
        gate: { ready: true, reason: "because", progress: "Wrote hello.txt", blockers: [], extra: {} },
        changed: true,
        error: null,
        verdict: "done",
        costUsd,
        durationMs: iteration.durationMs,
      },
    ],
    verification: "unverified",
    checks: [],
    tampering: [],
    costUsd,
    worktree: null,
  });
  assert.equal(shop.git("log", "--format=%an %s", `${shop.base}..${task.branch}`), "Ada Wrote hello.txt");
  assert.equal(shop.git("diff", "--name-status", `${shop.base}...${task.branch}`), "A\thello.txt");
  assert.equal(shop.show(task.branch, "hello.txt"), "hello");
});

it("a run goes on in the same session until the agent is ready, and names its blockers to it", async () => {
  const notReady = (step: number) => [
    bash(`echo ${step} >>steps.txt`),
    say(gate(false, { reason: "not yet", blockers: [`obstacle ${step}`] })),
  ];
  await using shop = await makeWorkshop({ turns: [notReady(1), notReady(2), [claim()]] });
  const { code, document, stderr } = await shop.run("Climb the hill");
  assert.equal(code, 0, stderr);
  const verdicts = document.iterations.map(({ index, verdict, changed }) => [index, verdict, changed]);
  assert.deepEqual(verdicts, [
    [1, "continue", true],
    [2, "continue", true],
    [3, "done", false],
  ]);
  assert.deepEqual(document.iterations[1]?.gate?.blockers, ["obstacle 2"]);
  const sessions = new Set(
    [...document.iterations, ...shop.model.requests.map(toSession)].map(({ sessionId }) => sessionId),
  );
  assert.equal(sessions.size, 1);
  const [first, ...later] = promptsOf(shop.model);
  assert.equal(first, "Climb the hill");
  assert.equal(later.length, 2);
  for (const [index, prompt] of later.entries()) assert.match(prompt, new RegExp(`- obstacle ${index + 1}$`, "m"));
  assert.equal(shop.show(document.task.branch, "steps.txt"), "1\n2");
});

it("a run repeats the format to an agent that printed no gate", async () => {
  await using shop = await makeWorkshop({ turns: [[write("a.md", "text\n"), say("All done, boss!")], [claim()]] });
  const { code, document, stderr } = await shop.run("Write a text");
  assert.equal(code, 0, stderr);
  const verdicts = document.iterations.map((found) => [found.verdict, found.gate?.ready ?? null, found.error]);
  assert.deepEqual(verdicts, [
    ["continue", null, null],
    ["done", true, null],
  ]);
  const [first, second] = promptsOf(shop.model);
  assert.ok(!first?.includes("<COMPLETION_GATE>"), "the format is in the system prompt, not in the first prompt");
  assert.ok(second?.includes("<COMPLETION_GATE>"));
  assert.match(JSON.stringify(shop.model.requests[0]?.body["system"]), /<COMPLETION_GATE>/);
});

it("a run does not believe a ready gate while a check fails, and shows the agent why", async () => {
  await using shop = await makeWorkshop({
    files: { "answer.txt": "wrong\n" },
    turns: [
      [read("answer.txt"), edit("answer.txt", "wrong", "nearly"), claim("Mended it")],
      [edit("answer.txt", "nearly", "right"), claim("Mended it in earnest")],
    ],
  });
  const { code, document, stderr } = await shop.run("Mend the answer", "--check", CHECK);
  assert.equal(code, 0, stderr);
  const [refused, believed] = document.iterations;
  assert.deepEqual([refused?.verdict, refused?.gate?.ready], ["continue", true]);
  assert.match(refused?.error ?? "", /^Check failed: .*the answer is not right/s);
  assert.deepEqual([believed?.verdict, believed?.error], ["done", null]);
  const [first, second] = promptsOf(shop.model);
  assert.ok(first?.includes(CHECK), "the agent knows what will be checked");
  assert.match(second ?? "", /not every check passes[^]*exit[^]*1[^]*\nthe answer is not right/);
  assert.deepEqual(document.checks, [{ command: CHECK, passed: true, exitCode: 0, baseline: false }]);
  assert.deepEqual([document.verification, document.tampering], ["verified", []]);
  assert.equal(document.task.reason, "The agent is ready and every check passed");
});

it("a run claims no more than that nothing broke when every check passed before", async () => {
  await using shop = await makeWorkshop({
    files: { ".makima.toml": 'checks = ["test -f .makima.toml"]\n' },
    turns: [[write("b.txt", "b\n"), claim()]],
  });
  const { code, document, stderr } = await shop.run("Add a file");
  assert.equal(code, 0, stderr);
  assert.deepEqual(document.checks, [{ command: "test -f .makima.toml", passed: true, exitCode: 0, baseline: true }]);
  assert.equal(document.verification, "regression-only");
});

it("a run claims no more than that where no baseline was taken", async () => {
  await using shop = await makeWorkshop({ turns: [[write("answer.txt", "right\n"), claim()]] });
  const { code, document, stderr } = await shop.run("Mend the answer", "--no-baseline", "--check", CHECK);
  assert.equal(code, 0, stderr);
  assert.deepEqual(document.checks, [{ command: CHECK, passed: true, exitCode: 0, baseline: null }]);
  assert.equal(document.verification, "regression-only");
});

function toSession({ session }: { session: string }): { sessionId: string } {
  return { sessionId: session };
}
