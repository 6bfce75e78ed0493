import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openLinkServer } from "../../test/support/link-server.ts";
import type { Peer } from "../../test/support/link-server.ts";
import { openTestRepository, writeFiles } from "../../test/support/repository.ts";
import { runSpec, silent } from "../../test/support/run.ts";
import { noSandbox } from "../../test/support/sandboxes.ts";
import { until } from "../../test/support/until.ts";
import { checkoutOfTask } from "../../test/support/worktrees.ts";
import { ERRORS } from "../core/errors.ts";
import { systemClock } from "../platform/clock.ts";
import { paths } from "../platform/config/paths.ts";
import { LINK_VERSION } from "../protocol/link.ts";
import type { Command } from "../protocol/link.ts";
import { startDaemon } from "./daemon.ts";
import type { DaemonOptions, RunningDaemon } from "./daemon.ts";

describe("a daemon", () => {
  it("is one and the same in its home, and alone there", async () => {
    await using bench = await openBench();
    const identities: string[] = [];
    const instances: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await using _daemon = await bench.start();
      await assert.rejects(bench.start(), { code: "already_running" });
      const { peer } = await bench.server.connection();
      const hello = await peer.heard();
      assert.equal(hello.type, "hello");
      identities.push(hello.daemonId);
      instances.push(hello.instance);
      assert.deepEqual([hello.name, hello.maxTasks, hello.labels, hello.runs], ["box", 4, { gpu: "yes" }, []]);
    }
    assert.equal(new Set(identities).size, 1);
    assert.equal(new Set(instances).size, 2, "each start is another instance");
  });

  it("executes a command once and answers it alike as often as it comes, also after a restart", async () => {
    await using bench = await openBench();
    const answers: unknown[] = [];
    for (const spec of [runSpec({ runId: "a/b" }), runSpec()]) {
      await using _daemon = await bench.start();
      const peer = await welcomed(bench.server);
      // The second time it could be executed, were it not done already.
      peer.say({ type: "command", id: "1", command: { kind: "SpawnTask", spec, startAt: null, messages: [] } });
      answers.push(await peer.heard());
    }
    const { hint } = ERRORS.invalid_request;
    const error = { code: "invalid_request", message: "The run's ids are no names", hint };
    assert.deepEqual(answers[0], { type: "commandDone", id: "1", error, result: null });
    assert.deepEqual(answers[1], answers[0]);
  });

  it("carries operations out while it executes commands, and gives their results again after a restart", async () => {
    await using bench = await openBench();
    await using repository = await openTestRepository();
    const { dir, base } = repository;
    const order: Command = { kind: "CreateBranch", repository: dir, name: "topic", from: [base] };
    const answers: unknown[] = [];
    for (let start = 0; start < 2; start += 1) {
      await using _daemon = await bench.start();
      answers.push(await (await welcomed(bench.server)).ask("1", order));
      // The second time it would be refused, were it not done already.
      repository.run(dir, "commit", "--quiet", "--allow-empty", "--message=More");
      repository.run(dir, "branch", "--force", "topic", "main");
    }
    const result = { name: "topic", commit: base };
    assert.deepEqual(answers[0], { type: "commandDone", id: "1", error: null, result });
    assert.deepEqual(answers[1], answers[0]);
  });

  it("does not start for a server without an address, and leaves its home to the next", async () => {
    await using bench = await openBench();
    await assert.rejects(bench.start("nowhere"), TypeError);
    await using _daemon = await bench.start();
    await bench.server.connection();
  });
});

describe("a daemon with checkouts", () => {
  it("tells of its checkouts, removes what is over, and in time what nobody knows", async () => {
    await using bench = await openBench();
    await using repository = await openTestRepository();
    const checkouts = join(bench.home, "worktrees");
    const make = (taskId: string) => checkoutOfTask({ ...repository, worktrees: checkouts }, taskId);
    const [over, kept, orphan] = [await make("over"), await make("kept"), await make("orphan")];
    await writeFiles(over.dir, { "new.txt": "new\n" });
    const command: Command = { kind: "CleanupWorktree", contractId: "contract", taskIds: ["over"] };
    const order: Command = { kind: "ListWorktrees", salvaged: true, wanted: [] };
    const left: string[][] = [];
    for (let start = 0; start < 2; start += 1) {
      await using _daemon = await bench.start();
      const { peer } = await bench.server.connection();
      const hello = await peer.heard();
      left.push(hello.type === "hello" ? hello.worktrees : []);
      const orphans = start === 0 ? [] : ["orphan"];
      peer.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans });
      assert.deepEqual(await peer.execute("1", command), null);
      const { result } = await peer.ask("2", order);
      assert.equal((result?.["salvaged"] as unknown[] | undefined)?.length, 1);
      await until(() => existsSync(orphan.dir) === (start === 0), "an orphan goes, and nothing else");
    }
    assert.deepEqual(left, [
      ["kept", "orphan", "over"],
      ["kept", "orphan"],
    ]);
    assert.deepEqual([existsSync(over.dir), existsSync(kept.dir)], [false, true]);
  });

  it("has a directory of its own where checkouts of others may be as well", async () => {
    await using bench = await openBench();
    await using repository = await openTestRepository();
    const dir = join(bench.home, "shared");
    const other = await checkoutOfTask({ ...repository, worktrees: join(dir, "another daemon") }, "theirs");
    await using _daemon = await bench.start(bench.server.url, { dir, quotaBytes: null, orphanGraceMs: 0 });
    const { peer } = await bench.server.connection();
    const hello = await peer.heard();
    assert.deepEqual(hello.type === "hello" ? hello.worktrees : null, []);
    peer.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans: ["theirs"] });
    const { result } = await peer.ask("1", { kind: "CleanWorktrees", tasks: null, wanted: [], dryRun: false });
    assert.deepEqual([result?.["removed"], result?.["kept"], existsSync(other.dir)], [[], [], true]);
  });
});

const ownWorktrees: DaemonOptions["worktrees"] = { dir: null, quotaBytes: null, orphanGraceMs: 0 };

async function openBench() {
  const home = await mkdtemp(join(tmpdir(), "makima-daemon-"));
  const server = await openLinkServer();
  return {
    server,
    home,
    start: (serverUrl = server.url, worktrees = ownWorktrees): Promise<RunningDaemon> =>
      startDaemon({
        paths: paths(home),
        serverUrl,
        key: "mk_daemon_test",
        selfCommand: ["false"],
        name: "box",
        maxTasks: 4,
        labels: { gpu: "yes" },
        loadAgents: async () => ({}),
        passEnv: [],
        environment: { PATH: process.env["PATH"], HOME: home },
        repositories: null,
        worktrees,
        bubblewrap: noSandbox,
        secrets: [],
        log: silent,
        clock: systemClock,
      }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function welcomed(server: Awaited<ReturnType<typeof openLinkServer>>): Promise<Peer> {
  const { peer } = await server.connection();
  assert.equal((await peer.heard()).type, "hello");
  peer.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans: [] });
  return peer;
}
