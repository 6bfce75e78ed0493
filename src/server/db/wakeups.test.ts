import assert from "node:assert/strict";
import { test } from "node:test";
import { Bell, Wakeups } from "./wakeups.ts";

test("a bell that rang since it was cleared does not make anybody wait", async () => {
  const wakeups = new Wakeups();
  using bell = new Bell(wakeups, ["a", "b"]);
  wakeups.emit("b");
  wakeups.emit("a");
  await bell.wait();
  bell.clear();
  let rung = false;
  const second = bell.wait().then(() => (rung = true));
  await Promise.resolve();
  assert.equal(rung, false);
  wakeups.emit("a");
  await second;
});

test("a disposed bell hears nothing, and others on the topic still do", () => {
  const wakeups = new Wakeups();
  let heard = 0;
  using _ = wakeups.listen("a", () => (heard += 1));
  wakeups.listen("a", () => (heard += 100))[Symbol.dispose]();
  wakeups.emit("a");
  wakeups.emit("unknown");
  assert.equal(heard, 1);
});

test("everybody can be woken at once", () => {
  const wakeups = new Wakeups();
  const heard: string[] = [];
  using _a = wakeups.listen("a", () => heard.push("a"));
  using _b = wakeups.listen("b", () => heard.push("b"));
  wakeups.emitAll();
  assert.deepEqual(heard, ["a", "b"]);
});
