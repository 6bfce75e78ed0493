import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import type { Task } from "../../src/protocol/api.ts";
import { outcomeOf } from "../support/machine.ts";
import { until } from "../support/until.ts";
import { fileInHome, makeWorkshop } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

const AT_WORK = { program: "works-until-told.sh" };
const AT_ONCE = { program: "is-ready-at-once.sh" };

it("the commands leave a task alone, find it, watch it, stop it and go on with it", async () => {
  await using shop = await makeWorkshop({ agent: AT_WORK });
  const detached = await shop.makima("run", "Take your time", "--agent", "works-until-told", "--detach");
  assert.equal(detached.code, 0, detached.stderr);
  const id = /^Task (\S+) is on its way\.$/m.exec(detached.stdout)?.[1] ?? "";
  await fileInHome(shop.machine, "pid");
  const short = id.slice(-8);

  const ps = await shop.makima("ps");
  assert.match(ps.stdout, new RegExp(`^${short} +running +0 +.*Take your time$`, "m"));

  const watching = outcomeOf(shop.machine.start(["logs", short, "-f"], { cwd: shop.repository }));
  const stopped = await shop.makima("stop", short);
  assert.equal(stopped.code, 0, stopped.stderr);
  const watched = await watching;
  assert.equal(watched.code, 0, watched.stderr);
  assert.match(watched.stdout, /At work\./);
  assert.equal(await fileInHome(shop.machine, "interrupted"), "interrupted");
  const task = await ended(shop);
  assert.deepEqual([task.id, task.status], [id, "cancelled"]);

  await writeFile(join(shop.machine.home, "finish"), "");
  const { code, document, stderr } = await shop.resume(short);
  assert.equal(code, 0, stderr);
  assert.equal(document.task.status, "completed");
  assert.equal(shop.show(document.task.branch, "half.txt"), "half", "what was done before the stop is kept");
  assert.equal(shop.show(document.task.branch, "done.txt"), "done");
  const again = await shop.makima("resume", short);
  assert.equal(again.code, 5, "what is completed cannot be resumed");
});

it("run stops the task gracefully at Ctrl-C, and says how to go on", async () => {
  await using shop = await makeWorkshop({ agent: AT_WORK });
  const run = shop.machine.start(["run", "Work", "--agent", "works-until-told"], { cwd: shop.repository });
  const result = outcomeOf(run);
  await fileInHome(shop.machine, "pid");
  run.kill("SIGINT");
  const { code, stdout, stderr } = await result;
  assert.equal(code, 130, stderr);
  const task = await ended(shop);
  assert.equal(task.status, "cancelled");
  assert.match(stdout, new RegExp(`^  makima resume ${task.id.slice(-8)}$`, "m"));
  assert.equal(await fileInHome(shop.machine, "interrupted"), "interrupted");
  assert.equal(shop.show(task.branch, "half.txt"), "half");
});

it("run tells a person what came of it and what to type next", async () => {
  await using shop = await makeWorkshop({ agent: AT_ONCE });
  const { code, stdout, stderr } = await shop.makima(
    "run",
    "Write done.txt",
    "--agent=is-ready-at-once",
    "--check=test -f done.txt",
  );
  assert.equal(code, 0, stderr);
  const task = await ended(shop);
  for (const part of [
    /^Done: /m,
    /verified/,
    /test -f done\.txt.*failed before/,
    new RegExp(task.branch),
    /1 file, \+1 -0/,
  ]) {
    assert.match(stdout, part);
  }
  assert.match(stdout, new RegExp(`^  git merge ${task.branch}$`, "m"));
  assert.equal(stderr, "");
});

it("run leaves what is not committed out, with a warning, or takes it along as the first commit", async () => {
  const dirty = { "a.txt": "changed\n", "new.txt": "new\n" };
  await using shop = await makeWorkshop({ agent: AT_ONCE, changes: dirty });
  const without = await shop.run("Work");
  assert.equal(without.code, 0, without.stderr);
  assert.match(
    without.stderr,
    /^makima: warning: 2 files with uncommitted changes will not be included\nhint: .*--include-changes/,
  );
  assert.equal(shop.show(without.document.task.branch, "a.txt"), "one");

  const along = await shop.run("Work", "--include-changes");
  assert.equal(along.code, 0, along.stderr);
  assert.equal(along.stderr, "");
  const { branch, base } = along.document.task;
  assert.deepEqual([shop.show(branch, "a.txt"), shop.show(branch, "new.txt")], ["changed", "new"]);
  const commits = shop.git("log", "--reverse", "--format=%s", `${base}..${branch}`).split("\n");
  assert.deepEqual(commits, ["Uncommitted changes at the start of the task", "Wrote done.txt"]);
  assert.equal(shop.git("diff", "--name-only", `${branch}~1`, `${branch}`), "done.txt");
});

it("two runs start one server when both need it at the same moment", async () => {
  await using shop = await makeWorkshop({ agent: AT_ONCE });
  const results = await Promise.all([shop.run("First"), shop.run("Second")]);
  for (const { code, stderr } of results) assert.equal(code, 0, stderr);
  assert.equal((await serversOf(shop)).length, 1);
  const branches = results.map(({ document }) => document.task.branch);
  assert.equal(new Set(branches).size, 2);
});

it("run starts the agent once with --no-loop, from the commit and in the repository that are named", async () => {
  await using shop = await makeWorkshop({ agent: { program: "changes-nothing.sh" } });
  const options = ["run", "Look", "--agent", "changes-nothing", "--json", "--no-loop", "--repo", shop.repository];
  const { code, stdout, stderr } = await shop.machine.makima([...options, "--base", "main"]);
  assert.equal(code, 1, stderr);
  const document = JSON.parse(stdout) as { iterations: unknown[]; task: { base: string } };
  assert.equal(document.iterations.length, 1);
  assert.equal(document.task.base, shop.base);
});

it("run takes any program as an agent: the prompt on stdin, text on stdout", async () => {
  const config = [
    "[agents.scribe]",
    `command = ["sh", "-c", '''`,
    "cat >prompt.txt",
    "printf '%s\\n' '<COMPLETION_GATE>' 'ready: true' 'progress: Noted the prompt' '</COMPLETION_GATE>'",
    "''']",
    'env = { GREETING = "hello" }',
    "",
  ].join("\n");
  await using shop = await makeWorkshop({ config });
  const { code, stderr, stdout } = await shop.machine.makima(["run", "-", "--agent", "scribe", "--json"], {
    cwd: shop.repository,
    input: "Note this:\n--verbose is no option\n",
  });
  assert.equal(code, 0, stderr);
  const { task } = JSON.parse(stdout) as { task: { branch: string } };
  const prompt = shop.show(task.branch, "prompt.txt");
  assert.match(prompt, /^Note this:\n--verbose is no option\n/);
  assert.match(prompt, /<COMPLETION_GATE>/);
});

it("run uses the agent that the repository asks for, unless another is named", async () => {
  await using shop = await makeWorkshop({
    files: { ".makima.toml": 'agent = "scribe"\n' },
    config: `[agents.scribe]\ncommand = ["sh", "-c", "echo '<COMPLETION_GATE>ready: true</COMPLETION_GATE>'"]\n`,
  });
  const { code, stdout, stderr } = await shop.makima("run", "Do it", "--json");
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as { task: { status: string } }).task.status, "completed");
  const named = await shop.makima("run", "Do it", "--agent", "nobody");
  assert.equal(named.code, 6, named.stderr);
  assert.match(named.stderr, /No agent is called "nobody"/);
});

async function ended(shop: Workshop): Promise<Task> {
  return until(async () => {
    const task = await shop.task();
    return task !== null && ["completed", "failed", "cancelled"].includes(task.status) ? task : null;
  }, "the task has ended");
}

/** Ids of the processes that run `makima up`. */
async function serversOf({ machine }: Workshop): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await machine.processes()) {
    const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (command.includes("up")) found.push(pid);
  }
  return found;
}
