import assert from "node:assert/strict";
import { readChanges } from "../changes/changes.ts";
import { openCommands } from "../commands/commands.ts";
import { getOperation } from "../operations/rows.ts";
import { taskDetail } from "../tasks/detail.ts";
import { finished, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { request } from "../testing/operations.ts";
import { DAEMON, HOLDER, newRun, say } from "../testing/run.ts";
import { listDaemons } from "./daemons.ts";
import { releaseIdentity } from "./identity.ts";
import { removeDaemon } from "./remove.ts";

onEveryEngine("a daemon is removed when it is offline and holds no run; what it did stays", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const remove = () => store.write((tx) => removeDaemon(tx, DAEMON));
  await assert.rejects(remove(), { code: "conflict", message: /connected/ });
  await store.write((tx) => releaseIdentity(tx, HOLDER));
  await assert.rejects(remove(), { code: "conflict", message: /1 live run/ });

  const again = await newRun(store);
  await say(store, again, started, finished());
  await say(store, run, started, finished({ outcome: "failed" }));
  await store.write((tx) => releaseIdentity(tx, HOLDER));
  const open = (await openCommands(store.db, DAEMON, 0)).map(({ command }) => command.kind);
  assert.deepEqual(open, ["SpawnTask", "SpawnTask", "CleanupWorktree"]);
  const removed = await remove();
  assert.deepEqual([removed.id, removed.online, removed.running], [DAEMON, false, 0]);
  assert.deepEqual(await listDaemons(store.db), []);
  const { task } = await taskDetail(store.db, run.taskId);
  assert.deepEqual([task.status, task.daemonId, task.unreachable], ["failed", DAEMON, false]);
  const last = (await readChanges(store.db, 0, 1000)).findLast(({ kind }) => kind === "daemon");
  assert.deepEqual([last?.id, last?.data["removed"]], [DAEMON, true]);
});

onEveryEngine("what a daemon that is removed was asked to do fails", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, finished({ outcome: "failed" }));
  const { id } = await request(store, { kind: "GetDiff", task: run.taskId });
  await store.write((tx) => releaseIdentity(tx, HOLDER));
  await store.write((tx) => removeDaemon(tx, DAEMON));
  const { status, error, daemonId } = await getOperation(store.db, id);
  assert.deepEqual([status, error?.code, daemonId], ["failed", "unavailable", DAEMON]);
});
