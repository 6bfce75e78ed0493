import assert from "node:assert/strict";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startServerProcess } from "../../test/support/server-child.ts";
import { encodeEvent } from "../protocol/run-events.ts";
import { EVENTS } from "../protocol/streams.ts";
import { streamTopic } from "../protocol/topics.ts";
import { contract, finished, started } from "./testing/data.ts";
import { call, launch, temporaryHome, temporaryServer, until } from "./testing/harness.ts";
import { FakeDaemon, FakeViewer } from "./testing/peers.ts";

const OUT = "iterations/0001/out";

test("keys are made once, readable by their owner only, and replaced when lost", async () => {
  await using home = await temporaryHome();
  const file = join(home.path, "user.key");
  const first = await launch(home.path);
  await first.close();
  assert.match(first.userKey, /^mk_user_/);
  assert.match(first.daemonKey, /^mk_daemon_/);
  assert.equal((await readFile(file, "utf8")).trim(), first.userKey);
  assert.equal((await stat(file)).mode & 0o777, 0o600);

  const second = await launch(home.path);
  await second.close();
  assert.deepEqual([second.userKey, second.daemonKey], [first.userKey, first.daemonKey]);

  await rm(file);
  await using third = await launch(home.path);
  assert.notEqual(third.userKey, first.userKey);
  await call(third, "serverInfo", {});
  await assert.rejects(call({ ...third, userKey: first.userKey }, "serverInfo", {}), /401/);
});

test("an address that others could reach, and a port that is taken, are refused", async () => {
  await using running = await temporaryServer();
  await using home = await temporaryHome();
  await assert.rejects(launch(home.path, { host: "0.0.0.0" }), { code: "config_invalid" });
  await assert.rejects(launch(home.path, { port: running.server.port }), { code: "port_taken" });
});

test("a shutdown is asked for over HTTP; with stopTasks it waits for them to end", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await call(server, "createContract", contract);
  await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server, { maxTasks: 1 });
  const { spec } = await daemon.spawned();
  let requested = false;
  const shutdown = server.onShutdownRequest.then(() => (requested = true));
  assert.deepEqual(await call(server, "shutdown", { stopTasks: true }), { stopped: 2 });
  await until(() => daemon.interrupts.length === 1);
  assert.equal(requested, false);
  const events = encodeEvent(started) + encodeEvent(finished({ outcome: "cancelled" }));
  daemon.append({ run: spec.runId, fence: spec.fence, stream: EVENTS, offset: 0 }, events);
  await shutdown;
});

test("it is idle while nobody looks on and no task is live", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  assert.ok((server.idle().since ?? 0) > 0);
  {
    await using _ = await FakeViewer.connect(server);
    assert.equal(server.idle().since, null);
  }
  await until(() => server.idle().since !== null);
  const { task } = await call(server, "createContract", contract);
  await until(() => server.idle().since === null);
  await call(server, "stopTask", { id: task.id });
  await until(() => server.idle().since !== null);
});

test("closing leaves runs alone, and ends with daemons and viewers connected", async () => {
  await using home = await temporaryHome();
  const server = await launch(home.path);
  await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  const { spec } = await daemon.spawned();
  await using viewer = await FakeViewer.connect(server);
  viewer.subscribe(1, streamTopic(spec.runId, OUT));
  await server.close();
  await Promise.all([daemon.closed, viewer.closed]);
  await using again = await launch(home.path);
  const { task } = await call(again, "getTask", { id: spec.taskId });
  assert.deepEqual([task.status, task.unreachable], ["starting", true]);
});

test("after kill -9 in the middle of a flood every acknowledged byte is there", async () => {
  await using home = await temporaryHome();
  const transcript = Buffer.alloc(8 * 1024 * 1024);
  for (let at = 0; at < transcript.length; at += 4) transcript.writeUInt32BE(at, at);
  let run = "";
  let acked = 0;
  for (let kills = 0; kills < 3; kills += 1) {
    await using server = await startServerProcess(home.path);
    if (kills === 0) await call(server, "createContract", contract);
    await using daemon = await FakeDaemon.connect(server, { runs: run === "" ? [] : [{ runId: run, fence: 1 }] });
    if (kills === 0) run = (await daemon.spawned()).spec.runId;
    const stored = daemon.of("welcome")[0]?.acked[run]?.[OUT] ?? 0;
    assert.ok(stored >= acked, `acknowledged ${acked}, found ${stored}`);
    const goal = Math.min(transcript.length, stored + 1024 * 1024);
    for (let offset = stored; offset < transcript.length; offset += 7_000) {
      const data = transcript.subarray(offset, offset + 7_000);
      daemon.append({ run, fence: 1, stream: OUT, offset }, data);
    }
    // Where the server that was killed had stored all of it, nothing is left to acknowledge.
    const safe = () => Math.max(stored, daemon.acked(run, OUT));
    await until(() => safe() >= goal);
    server.kill();
    await daemon.closed;
    acked = safe();
  }
  await using server = await launch(home.path);
  await using viewer = await FakeViewer.connect(server);
  viewer.subscribe(1, streamTopic(run, OUT), { follow: false });
  await viewer.ended(1);
  const bytes = viewer.bytes(1);
  assert.ok(bytes.length >= acked && acked > 0);
  assert.ok(bytes.equals(transcript.subarray(0, bytes.length)));
});
