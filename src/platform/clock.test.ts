import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";

test("sleep lasts at least as long as asked", async () => {
  const start = performance.now();
  await systemClock.sleep(20);
  assert.ok(performance.now() - start >= 19);
});

test("an aborted sleep rejects, before and during", async () => {
  await assert.rejects(systemClock.sleep(0, AbortSignal.abort()), { name: "AbortError" });
  const controller = new AbortController();
  const sleep = systemClock.sleep(60_000, controller.signal);
  controller.abort();
  await assert.rejects(sleep, { name: "AbortError" });
});

test("a wait longer than one timer can be does not end at once", async () => {
  const controller = new AbortController();
  const sleep = systemClock.sleep(2 ** 33, controller.signal).then(
    () => "slept",
    () => "aborted",
  );
  await systemClock.sleep(30);
  controller.abort();
  assert.equal(await sleep, "aborted");
});
