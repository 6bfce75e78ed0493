import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../protocol/link.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { contract, finished, started } from "../testing/data.ts";
import { call, temporaryServer, until } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";
import type { Where } from "../testing/peers.ts";

const UNKNOWN = "01a1fe30-0000-7000-8000-000000000000";
const ERROR = { code: "git_failed", message: "the disk is broken", hint: "" };

/** The clean-ups that a daemon was told of over this connection. */
function cleanups({ messages }: FakeDaemon) {
  return messages.flatMap((message) =>
    message.type === "command" && message.command.kind === "CleanupWorktree"
      ? [{ id: message.id, ...message.command } satisfies { id: string } & Command]
      : [],
  );
}

async function cleanup(daemon: FakeDaemon) {
  await until(() => cleanups(daemon).length > 0);
  const [first, ...others] = cleanups(daemon);
  assert.ok(first !== undefined && others.length === 0);
  return first;
}

/** A task that its daemon has completed, and with it its contract. */
async function completed(server: Where, daemon: FakeDaemon): Promise<{ taskId: string; contractId: string }> {
  const { task } = await call(server, "createContract", contract);
  const { spec } = await daemon.spawned(daemon.spawns.length + 1);
  const said = encodeEvent(started) + encodeEvent(finished());
  daemon.append({ run: spec.runId, fence: spec.fence, stream: EVENTS, offset: 0 }, said);
  await until(() => daemon.acked(spec.runId, EVENTS) === said.length);
  return { taskId: task.id, contractId: task.contractId };
}

test("a clean-up comes again until it is done, and when it failed with the daemon's next connection", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { taskId, contractId } = await (async () => {
    await using daemon = await FakeDaemon.connect(server);
    const over = await completed(server, daemon);
    await cleanup(daemon);
    return over;
  })();
  {
    await using daemon = await FakeDaemon.connect(server, { worktrees: [taskId] });
    const { id, ...command } = await cleanup(daemon);
    assert.deepEqual(command, { kind: "CleanupWorktree", contractId, taskIds: [taskId] });
    daemon.tell({ type: "commandDone", id, error: ERROR, result: null });
  }
  {
    await using daemon = await FakeDaemon.connect(server, { worktrees: [taskId] });
    const { id } = await cleanup(daemon);
    daemon.tell({ type: "commandDone", id, error: null, result: null });
  }
  await using daemon = await FakeDaemon.connect(server);
  const other = await completed(server, daemon);
  assert.equal((await cleanup(daemon)).contractId, other.contractId, "what is done does not come again");
});

test("a daemon that is back cleans up before it goes on with anything else", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using first = await FakeDaemon.connect(server, { maxTasks: 2 });
  await call(server, "createContract", contract);
  await first.spawned(1);
  await completed(server, first);
  await cleanup(first);
  await first[Symbol.asyncDispose]();
  await using daemon = await FakeDaemon.connect(server, { maxTasks: 2 });
  await daemon.spawned(1);
  const kinds = daemon.of("command").map(({ command }) => command.kind);
  assert.equal(kinds[0], "CleanupWorktree", kinds.join());
});

test("a daemon hears which of its checkouts nobody knows, and what is no id does no harm", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { task } = await call(server, "createContract", contract);
  const garbage = ["", "../../etc", "'; drop table tasks; --", "\0", UNKNOWN.slice(0, 8), "x".repeat(10_000)];
  await using daemon = await FakeDaemon.connect(server, { worktrees: [task.id, ...garbage, UNKNOWN, UNKNOWN] });
  assert.deepEqual(
    daemon.of("welcome").map(({ orphans }) => orphans),
    [[UNKNOWN]],
  );
});

test("a heartbeat tells what the checkouts take; the same again changes nothing", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using daemon = await FakeDaemon.connect(server);
  const beat = (worktrees?: { bytes: number; quota: number | null }) =>
    daemon.tell({ type: "heartbeat", at: 1, ...(worktrees === undefined ? {} : { worktrees }) });
  const shown = async () => (await call(server, "listDaemons", {})).daemons[0]?.worktrees ?? null;
  beat();
  const size = { bytes: 5, quota: 4 };
  for (let times = 0; times < 5; times += 1) beat(size);
  await until(async () => (await shown()) !== null);
  assert.deepEqual(await shown(), size);
  beat({ bytes: 3, quota: null });
  await until(async () => (await shown())?.bytes === 3);
  const { changes } = await call(server, "listChanges", {});
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ["daemon", "daemon", "notification", "daemon"],
  );
});
