import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { attach, launch } from "./detached.ts";
import { Playground, until } from "./fixtures/playground.ts";
import { isSameProcess } from "./identity.ts";
import { readRecord } from "./record.ts";

test("after a kill -9 of the launcher: same process, exit seen, output whole", async () => {
  await using playground = await Playground.open();
  const pid = await playground.launchAndDie(playground.options("prints-slowly.sh", "50"));
  await using agent = await attach(playground.run);
  assert.equal(agent?.pid, pid);
  assert.deepEqual(await agent.exited, { kind: "exited", code: 5 });
  assert.equal(await agent.drained(5000), true);
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index + 1}\n`);
  assert.equal(playground.file("out").toString(), lines.join(""));
});

test("a process that ended while nobody looked is found with its exit", async () => {
  await using playground = await Playground.open();
  await playground.launchAndDie(playground.options("exits-7.sh"));
  await playground.printed("out");
  await using agent = await attach(playground.run);
  assert.deepEqual(await agent?.exited, { kind: "exited", code: 7 });
});

test("killed at any moment of a launch, what is found or launched anew runs once", async () => {
  const rounds = Array.from({ length: 12 }, (_, index) => index);
  await Promise.all(
    rounds.map(async (afterMs) => {
      await using playground = await Playground.open();
      const options = playground.options("prints-slowly.sh", "5");
      await playground.dieLaunching(options, afterMs);
      await using agent = (await attach(playground.run)) ?? (await launch(options));
      assert.deepEqual(await agent.exited, { kind: "exited", code: 5 });
      assert.equal(await agent.drained(20_000), true);
      assert.equal(playground.file("out").toString(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
      assert.equal(playground.file("err").toString(), "");
    }),
  );
});

test("nothing is found where nothing was started, and a launch can follow", async () => {
  await using playground = await Playground.open();
  mkdirSync(playground.run);
  assert.equal(await attach(join(playground.dir, "missing")), null);
  assert.equal(await attach(playground.run), null);
  assert.equal(await attach(playground.run), null);
  await using agent = await launch(playground.options("exits-7.sh"));
  assert.deepEqual(await agent.exited, { kind: "exited", code: 7 });
});

test("a shim killed between making its record and writing it is not waited for", async () => {
  await using playground = await Playground.open();
  mkdirSync(playground.run);
  writeFileSync(join(playground.run, "pid"), "");
  assert.equal(await attach(playground.run), null);
});

test("another process with the same pid is neither followed nor signalled", async () => {
  await using playground = await Playground.open();
  const first = await launch(playground.options("sleeps.sh"));
  await first[Symbol.asyncDispose]();
  const record = readFileSync(join(playground.run, "pid"), "utf8");
  const forged = join(playground.dir, "forged");
  mkdirSync(forged);
  const [boot, pid, start, shim, shimStart, owner] = record.split("|");
  writeFileSync(join(forged, "pid"), [boot, pid, Number(start) + 1, shim, Number(shimStart) + 1, owner].join("|"));
  await using other = await attach(forged);
  assert.deepEqual(await other?.exited, { kind: "lost" });
  other?.signal("SIGKILL");
  await using real = await attach(playground.run);
  assert.equal(real?.pid, first.pid);
  assert.deepEqual(await real.stop(), { kind: "signaled", signal: "SIGINT" });
});

test("a process whose shim was killed is followed to its end, which is lost", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("sleeps.sh"));
  await playground.printed("ready");
  const shim = readRecord(playground.run)?.shim;
  assert.ok(shim);
  process.kill(shim.pid, "SIGKILL");
  await until(() => !isSameProcess(shim));
  await using again = await attach(playground.run);
  assert.equal(again?.pid, agent.pid);
  agent.signal("SIGTERM");
  assert.deepEqual(await Promise.all([agent.exited, again.exited]), [{ kind: "lost" }, { kind: "lost" }]);
});
