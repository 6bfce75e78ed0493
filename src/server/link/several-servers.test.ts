import assert from "node:assert/strict";
import { test } from "node:test";
import { startServerProcess } from "../../../test/support/server-child.ts";
import { readChanges } from "../changes/changes.ts";
import type { RunningServer, ServerOptions } from "../server.ts";
import { contract } from "../testing/data.ts";
import { postgresDatabase } from "../testing/engines.ts";
import { fastClock } from "../testing/fast-clock.ts";
import { call, launch, temporaryHome, until } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";
import type { Where } from "../testing/peers.ts";

const OUT = "iterations/0001/out";
const GOING_AWAY = 1001;

test("commands reach the daemon over whichever server it hangs on, in order, until they are done", async () => {
  await using team = await servers();
  const [a, b] = [await team.start(), await team.start()];
  const { task } = await call(a, "createContract", contract);
  let spawn = "";
  {
    await using daemon = await FakeDaemon.connect(a);
    spawn = (await daemon.spawned()).commandId;
  }
  await using daemon = await FakeDaemon.connect(b);
  const { commandId, spec } = await daemon.spawned();
  assert.equal(commandId, spawn);
  await call(a, "stopTask", { id: task.id });
  await until(() => daemon.interrupts.length === 1);
  assert.deepEqual(kinds(daemon), ["SpawnTask", "InterruptTask"]);
  daemon.tell({ type: "commandDone", id: spawn, error: null, result: null });
  await using database = await team.open();
  await until(async () => {
    const command = database.db.selectFrom("commands").select("done_at").where("id", "=", spawn);
    return (await command.executeTakeFirstOrThrow()).done_at !== null;
  });
  await daemon[Symbol.asyncDispose]();
  await using again = await FakeDaemon.connect(a, { runs: [{ runId: spec.runId, fence: spec.fence }] });
  await until(() => again.interrupts.length === 1);
  assert.deepEqual(kinds(again), ["InterruptTask"]);
});

test("a daemon that comes back over another server takes its identity with it, and the old link closes", async () => {
  await using team = await servers();
  const [a, b] = [await team.start(), await team.start()];
  await call(a, "createContract", contract);
  await using old = await FakeDaemon.connect(a);
  const { runId: run, fence } = (await old.spawned()).spec;
  old.append({ run, fence, stream: OUT, offset: 0 }, "over a");
  await until(() => old.acked(run, OUT) === 6);

  await using daemon = await FakeDaemon.connect(b, { runs: [{ runId: run, fence }] });
  assert.deepEqual(daemon.of("welcome")[0]?.acked, { [run]: { [OUT]: 6 } });
  assert.equal(await old.closed, GOING_AWAY);
  assert.deepEqual(old.of("fenced"), []);
  daemon.append({ run, fence, stream: OUT, offset: 6 }, " and b");
  await until(() => daemon.acked(run, OUT) === 12);
  await using database = await team.open();
  const changes = (await readChanges(database.db, 0, 1000)).filter(({ kind }) => kind === "daemon");
  assert.deepEqual(
    changes.map(({ data }) => data["online"]),
    [true],
  );
});

test("two daemons with one identity: the second is refused on every server, and both hosts are named", async () => {
  await using team = await servers();
  const [a, b] = [await team.start(), await team.start()];
  await using first = await FakeDaemon.connect(a, { instance: "i1", host: "first" });
  for (const server of [a, b]) {
    await using second = await FakeDaemon.connect(server, { instance: "i2", host: "second" });
    assert.match(second.of("refused")[0]?.message ?? "", /first.*second/);
    assert.equal(await second.closed, 1008);
  }
  assert.equal(first.socket.readyState, first.socket.OPEN);
  await first[Symbol.asyncDispose]();
  await until(async () => !(await isOnline(b)));
  await using second = await FakeDaemon.connect(b, { instance: "i2", host: "second" });
  assert.equal(second.of("welcome").length, 1);
});

test("a server that starts leaves the daemons of the others connected", async () => {
  await using team = await servers();
  const a = await team.start();
  await using daemon = await FakeDaemon.connect(a);
  const b = await team.start();
  assert.equal(await isOnline(b), true);
  assert.equal(daemon.socket.readyState, daemon.socket.OPEN);
});

test("when a server is killed another takes its daemons for offline, then for lost, and fences them", async () => {
  await using team = await servers();
  const killed = await team.startProcess();
  const { task } = await call(killed, "createContract", contract);
  await using daemon = await FakeDaemon.connect(killed);
  const { runId, fence } = (await daemon.spawned()).spec;
  const other = await team.start();
  killed.kill();
  await daemon.closed;
  await using watching = await team.start({ clock: fastClock(30), lostAfterMs: 30_000 });
  await until(async () => !(await isOnline(other)));
  assert.equal((await call(other, "getTask", { id: task.id })).task.unreachable, true);
  await until(async () => (await call(watching, "getTask", { id: task.id })).task.status === "pending");

  await using late = await FakeDaemon.connect(other, { runs: [{ runId, fence }] });
  assert.deepEqual(late.of("fenced"), [{ type: "fenced", run: runId }]);
  assert.deepEqual(late.of("welcome")[0]?.acked, {});
  late.append({ run: runId, fence, stream: OUT, offset: 0 }, "too late");
  await until(() => late.of("fenced").length === 2);
  const { spec } = await late.spawned();
  assert.deepEqual([spec.taskId, spec.fence], [task.id, fence + 1]);
});

async function isOnline(server: Where): Promise<boolean> {
  return (await call(server, "listDaemons", {})).daemons.some(({ online }) => online);
}

function kinds(daemon: FakeDaemon): string[] {
  return daemon.of("command").map(({ command }) => command.kind);
}

/** Servers on one database, whose daemons have the key of the first of them; all of it goes away with the scope. */
async function servers() {
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await postgresDatabase());
  const owned = resources.move();
  const home = async () => owned.use(await temporaryHome()).path;
  let daemonKey: string | null = null;
  const withKey = <S extends Where>(server: S): S => {
    daemonKey ??= server.daemonKey;
    return { ...server, daemonKey };
  };
  return {
    start: async (options: Partial<ServerOptions> = {}): Promise<RunningServer> =>
      withKey(owned.use(await launch(await home(), { database: database.source, ...options }))),
    startProcess: async () => withKey(owned.use(await startServerProcess(await home(), database.source.url))),
    open: () => database.open(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
