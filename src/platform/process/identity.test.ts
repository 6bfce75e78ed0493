import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { identify, isSameProcess, signalProcess } from "./identity.ts";

test("a process is itself, and no other with its pid", () => {
  const self = identify(process.pid);
  assert.ok(self);
  assert.equal(isSameProcess(self), true);
  assert.equal(isSameProcess({ ...self, startTime: `${self.startTime}1` }), false);
  assert.equal(isSameProcess({ ...self, bootId: "another" }), false);
});

test("only the very process is signalled, not a later owner of its pid", async () => {
  const child = spawn("sleep", ["300"], { detached: true });
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  for (const group of [false, true]) {
    assert.equal(signalProcess({ ...identity, startTime: `${identity.startTime}1` }, "SIGKILL", { group }), false);
    assert.equal(signalProcess({ ...identity, bootId: "another" }, "SIGKILL", { group }), false);
  }
  assert.equal(signalProcess(identity, "SIGTERM", { group: true }), true);
  assert.deepEqual(await once(child, "exit"), [null, "SIGTERM"]);
  assert.equal(signalProcess(identity, "SIGTERM"), false);
});

test("a process knows whom it belongs to", () => {
  const self = identify(process.pid);
  assert.equal(self?.parent, process.ppid);
});

test("a process that has ended is nobody", async () => {
  const child = spawn("sleep", ["300"]);
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  child.kill();
  await once(child, "exit");
  assert.equal(identify(identity.pid), null);
  assert.equal(isSameProcess(identity), false);
});
