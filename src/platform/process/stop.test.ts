import assert from "node:assert/strict";
import { test } from "node:test";
import { launch } from "./detached.ts";
import { Playground } from "./fixtures/playground.ts";

test("the process is asked first: it receives SIGINT and ends as it likes", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("traps-sigint.sh"));
  await playground.printed("ready");
  assert.deepEqual(await agent.stop(), { kind: "exited", code: 3 });
  assert.equal(await agent.drained(5000), true);
  assert.equal(playground.file("out").toString(), "ready\ninterrupted\n");
});

test("a process that ignores SIGINT and SIGTERM is killed", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("ignores-sigint-and-sigterm.sh"));
  await playground.printed("ready");
  const stopped = agent.stop({ interruptMs: 50, terminateMs: 50 });
  assert.deepEqual(await stopped, { kind: "signaled", signal: "SIGKILL" });
  assert.equal(agent.stop(), stopped);
  assert.equal(await agent.drained(5000), true);
});

test("a process can be stopped from the moment it is launched, and again after its end", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("sleeps.sh"));
  assert.deepEqual(await agent.stop(), { kind: "signaled", signal: "SIGINT" });
  agent.signal("SIGKILL");
  assert.equal(await agent.drained(5000), true);
});
