import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { bash, hang } from "../scripted-model/script.ts";
import type { Machine } from "../support/machine.ts";
import { until } from "../support/until.ts";
import { claim, fileInHome, makeWorkshop, promptsOf } from "../support/workshop.ts";

/** Two of these wait for the same ten seconds. */
describe("an agent that does not end as it should", { concurrency: true }, () => {
  it("is killed: its iteration fails, and the next one goes on in its session", async () => {
    await using shop = await makeWorkshop({
      config: '[loop]\nretryBackoff = "0s"\n',
      turns: [
        [bash("echo half >half.txt"), hang()],
        [bash("echo done >done.txt"), claim()],
      ],
    });
    const { result } = shop.startRun("Do it");
    // The second request brings the tool's result: Claude Code is in the middle of its turn then.
    await until(() => shop.model.requests.filter(({ role }) => role === "main").length >= 2, "the tool has run");
    process.kill(await claudeProcess(shop.machine), "SIGKILL");
    const { code, document, stderr } = await result;
    assert.equal(code, 0, stderr);
    const [killed, last] = document.iterations;
    assert.deepEqual([killed?.verdict, killed?.gate, killed?.changed], ["continue", null, true]);
    assert.match(killed?.error ?? "", /SIGKILL/);
    assert.deepEqual([last?.verdict, last?.sessionId], ["done", killed?.sessionId]);
    assert.equal(shop.model.requests.at(-1)?.session, killed?.sessionId);
    assert.match(promptsOf(shop.model)[1] ?? "", /ended with an error/);
    assert.equal(shop.show(document.task.branch, "half.txt"), "half");
  });

  it("hangs after its result: it is ended, and its result believed", async () => {
    await using shop = await makeWorkshop({ agent: { program: "hangs-after-result.sh", kind: "claude" } });
    const { code, document, stderr } = await shop.run("Do it");
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      document.iterations.map(({ verdict, error }) => [verdict, error]),
      [["done", null]],
    );
    assert.equal(document.costUsd, 0.01);
    const took = document.iterations[0]?.durationMs ?? 0;
    assert.ok(took >= 10_000 && took < 30_000, `${took} ms`);
  });

  it("ignores SIGINT and SIGTERM: it is killed when its task is stopped", async () => {
    await using shop = await makeWorkshop({ agent: { program: "ignores-signals.sh" } });
    const { result } = shop.startRun("Do it");
    const pid = Number(await fileInHome(shop.machine, "pid"));
    const { id } = await until(() => shop.task(), "there is a task");
    const stopped = await shop.makima("stop", id);
    assert.equal(stopped.code, 0, stopped.stderr);
    const { code, document } = await result;
    assert.deepEqual([code, document.task.status], [130, "cancelled"]);
    assert.ok(!(await isAlive(pid)), "the agent is gone");
  });
});

describe("an agent", { concurrency: true }, () => {
  it("is ended when it is silent for too long", async () => {
    const config = '[loop]\nidleTimeout = "1s"\nretryBackoff = "0s"\n';
    await using shop = await makeWorkshop({ agent: { program: "goes-silent.sh" }, config });
    const { code, document } = await shop.run("Do it", "--max-iterations", "2");
    assert.equal(code, 1);
    assert.equal(document.iterations.length, 2);
    for (const { error } of document.iterations) assert.match(error ?? "", /silent for too long/);
    assert.equal(document.task.reason, "Maximum iterations (2) reached");
  });

  it("is ended when it takes too long for one iteration", async () => {
    const config = '[loop]\niterationTimeout = "1s"\n';
    await using shop = await makeWorkshop({ agent: { program: "prints-numbered-lines.sh" }, config });
    const { code, document } = await shop.run("Do it", "--max-iterations", "1");
    assert.equal(code, 1);
    assert.match(document.iterations[0]?.error ?? "", /took too long/);
  });

  it("is survived by nothing that it has started", async () => {
    await using shop = await makeWorkshop({ agent: { program: "leaves-a-server.sh" } });
    const { code, document, stderr } = await shop.run("Start a server");
    assert.equal(code, 0, stderr);
    assert.equal(document.task.status, "completed");
    assert.ok(!(await isAlive(Number(await fileInHome(shop.machine, "pid")))), "its server is gone");
  });

  it("is named when its command does not exist, and nothing is made for the run", async () => {
    await using shop = await makeWorkshop({ config: '[agents.absent]\ncommand = "no-such-agent"\n' });
    const { code, document, stderr } = await shop.run("Do it", "--agent", "absent");
    assert.equal(code, 6);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string; hint: string } };
    assert.deepEqual(
      [error.code, error.message],
      ["agent_missing", `The agent's command "no-such-agent" is not on PATH`],
    );
    assert.match(error.hint, /command/);
    assert.deepEqual([document.task.branch, document.worktree, document.iterations], [null, null, []]);
    assert.deepEqual(shop.leftovers(), []);
  });

  it("that is not logged in stops the run at once, and leaves nothing behind", async () => {
    await using shop = await makeWorkshop({ login: "none" });
    const { code, document, stderr } = await shop.run("Do it");
    assert.equal(code, 4);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string; hint: string } };
    assert.equal(error.code, "agent_not_logged_in");
    assert.match(error.message, /Not logged in/);
    assert.match(error.hint, /\/login/);
    assert.equal(document.iterations.length, 1);
    assert.deepEqual([document.task.status, document.task.branch, document.worktree], ["failed", null, null]);
    assert.deepEqual(shop.leftovers(), []);
  });
});

/** Claude Code itself, not the shell that waits for it. */
async function claudeProcess(machine: Machine): Promise<number> {
  return until(async () => {
    for (const pid of await machine.processes()) {
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
      if (command[0]?.endsWith("/claude") === true && command.includes("--output-format")) return pid;
    }
    return null;
  }, "Claude Code runs");
}

/** A zombie, which only its parent can bury, is not alive. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}
