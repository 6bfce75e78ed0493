import assert from "node:assert/strict";
import { test } from "node:test";
import { launch } from "./detached.ts";
import { Playground } from "./fixtures/playground.ts";
import { identify } from "./identity.ts";
import { killByEnvironment } from "./reap.ts";

test("finds a grandchild that fled into a session of its own, and spares the shim", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("grandchild-flees.sh"));
  const grandchild = Number(await playground.printed("\n"));
  assert.equal(identify(grandchild)?.session, grandchild);
  assert.equal(await killByEnvironment("PLAYGROUND", playground.id), true);
  assert.equal(identify(grandchild), null);
  assert.deepEqual(await agent.exited, { kind: "signaled", signal: "SIGKILL" });
  assert.equal(await agent.drained(5000), true);
});

test("finds a server that a process left behind, deaf to signals, and what that has started without the mark", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("leaves-server.sh"));
  const [server = 0, child = 0] = (await playground.printed("\n")).split(" ").map(Number);
  assert.deepEqual(await agent.exited, { kind: "exited", code: 0 });
  agent.signal("SIGKILL");
  process.kill(server, "SIGTERM");
  assert.deepEqual([identify(server)?.session, identify(child)?.session], [server, server]);
  assert.equal(await killByEnvironment("PLAYGROUND", playground.id), true);
  assert.deepEqual([identify(server), identify(child)], [null, null]);
  assert.equal(await agent.drained(5000), true);
});

test("kills nobody whose environment only resembles", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("sleeps.sh"));
  await playground.printed("ready");
  for (const [name, value] of [
    ["LAYGROUND", playground.id],
    ["PLAYGROUND", playground.id.slice(0, -1)],
  ] as const) {
    assert.equal(await killByEnvironment(name, value), true);
  }
  assert.deepEqual(await agent.stop(), { kind: "signaled", signal: "SIGINT" });
});
