import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { launch } from "./detached.ts";
import { Playground } from "./fixtures/playground.ts";
import { identify } from "./identity.ts";
import { killByEnvironment } from "./reap.ts";

test("finds a grandchild that fled into a session of its own, and spares the shim", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("grandchild-flees.sh"));
  const grandchild = Number(await playground.printed("\n"));
  assert.notEqual(identify(grandchild), null);
  assert.notEqual(sessionOf(grandchild), sessionOf(agent.pid));
  assert.equal(await killByEnvironment("PLAYGROUND", playground.id), true);
  assert.equal(identify(grandchild), null);
  assert.deepEqual(await agent.exited, { kind: "signaled", signal: "SIGKILL" });
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

function sessionOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, "latin1").split(" ")[5];
}
