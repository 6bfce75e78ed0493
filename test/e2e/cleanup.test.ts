import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { shortId } from "../../src/core/ids.ts";
import type { Contract, Daemon } from "../../src/protocol/api.ts";
import type { OperationResult } from "../../src/protocol/operations.ts";
import { refused, saidIn } from "../support/said.ts";
import { until } from "../support/until.ts";
import { fileInHome, makeWorkshop } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

interface Listed {
  daemons: OperationResult<"ListWorktrees">[];
}

interface Cleaned {
  daemons: OperationResult<"CleanWorktrees">[];
}

it("what a deleted contract left on a daemon that was away goes when it is back, and can be restored", async () => {
  await using shop = await makeWorkshop({ agent: { program: "fails-alike.sh" } });
  const { makima, json } = saidIn(() => shop);
  // Before the machine's own end, which expects that nothing of it is running any more.
  await using nodes = new AsyncDisposableStack();
  const server = nodes.adopt(shop.machine.start(["server", "--port", "0"]), kill);
  await until(() => existsSync(join(shop.machine.makimaHome, "server.json")), "the server is ready");
  assert.equal(server.exitCode, null);
  const daemon = nodes.adopt(await startDaemon(shop), kill);

  const { code, document } = await shop.run("Fail", "--no-loop");
  assert.equal(code, 1);
  const { id, branch } = document.task;
  const worktrees = async () => (await json<Listed>("worktree", "list")).daemons.flatMap((one) => one.worktrees);
  const [worktree, ...others] = await worktrees();
  assert.ok(worktree !== undefined && others.length === 0);
  assert.deepEqual([worktree.taskId, worktree.state, worktree.branch], [id, "kept", branch]);
  assert.ok(worktree.bytes > 0);
  await writeFile(join(worktree.dir, "notes.txt"), "not committed\n");
  assert.match(
    await makima("worktree", "list"),
    new RegExp(`^${shortId(id)} +kept +\\S+ \\S?B .*\n.*1 worktree in `, "m"),
  );

  const refs = shop.git("for-each-ref");
  const dry = await json<Cleaned>("worktree", "clean", "--dry-run", shortId(id));
  assert.deepEqual(
    dry.daemons[0]?.removed.map(({ dir }) => dir),
    [worktree.dir],
  );
  assert.deepEqual((await json<Cleaned>("worktree", "clean")).daemons[0]?.removed, [], "it may be resumed");
  assert.deepEqual([existsSync(join(worktree.dir, "notes.txt")), shop.git("for-each-ref")], [true, refs]);

  await kill(daemon);
  await until(async () => !(await isOnline(shop)), "the server notices");
  refused(await shop.makima("worktree", "list"), 6, /is offline/);
  await makima("contract", "delete", document.contract.id);
  assert.ok(existsSync(worktree.dir));
  nodes.adopt(await startDaemon(shop), kill);
  await until(() => !existsSync(worktree.dir), "the worktree is removed");
  await until(async () => (await worktrees()).length === 0, "nothing of it is left");
  assert.equal(shop.git("worktree", "list").split("\n").length, 1);

  assert.match(
    await makima("worktree", "list", "--salvaged"),
    new RegExp(`^${shortId(id)} .* refs/makima/salvage/`, "m"),
  );
  assert.match(
    await makima("worktree", "restore", shortId(id), "--branch", "makima/rescued"),
    /^The branch makima\/rescued is at /,
  );
  assert.equal(shop.show("makima/rescued", "notes.txt"), "not committed");
  refused(await shop.makima("worktree", "restore", "00000000"), 3, /Nothing was salvaged/);
});

it("deleting a contract at work stops its agent, and leaves neither process nor worktree", async () => {
  await using shop = await makeWorkshop({ agent: { program: "works-until-told.sh" } });
  const { makima, json } = saidIn(() => shop);
  const { contract } = await json<{ contract: Contract }>(
    "run",
    "Take your time",
    "--agent",
    "works-until-told",
    "--detach",
  );
  const pid = await fileInHome(shop.machine, "pid");
  const { daemons } = await json<Listed>("worktree", "list");
  const [worktree] = daemons.flatMap((one) => one.worktrees);
  assert.equal(worktree?.state, "in-use");
  const kept = await shop.makima("worktree", "clean", worktree.taskId ?? "");
  assert.deepEqual([kept.code, existsSync(worktree.dir)], [5, true]);
  assert.match(kept.stdout, /^Kept .*: A run of its task is at work\n/);

  assert.match(await makima("contract", "delete", contract.id), /^Deleted Take your time/);
  await until(() => !existsSync(worktree.dir), "the worktree is removed");
  assert.equal(await fileInHome(shop.machine, "interrupted"), "interrupted");
  assert.ok(!existsSync(`/proc/${pid}`));
  await until(
    async () => (await json<Listed>("worktree", "list")).daemons[0]?.worktrees.length === 0,
    "nothing is left",
  );
  assert.equal(shop.git("worktree", "list").split("\n").length, 1);
  const { status } = (await shop.task()) ?? {};
  assert.equal(status, "cancelled");
});

async function startDaemon(shop: Workshop): Promise<ChildProcess> {
  const daemon = shop.machine.start(["daemon"]);
  await until(async () => {
    assert.equal(daemon.exitCode, null);
    return isOnline(shop);
  }, "the daemon is connected");
  return daemon;
}

async function isOnline({ machine }: Workshop): Promise<boolean> {
  const reply = (await machine.get("/api/v1/daemons")) as { daemons: Daemon[] } | null;
  return reply?.daemons.some(({ online }) => online) ?? false;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
