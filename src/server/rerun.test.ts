import assert from "node:assert/strict";
import { test } from "node:test";
import { Rerun } from "./rerun.ts";

test("requests during a run cause exactly one more, never two at a time", async () => {
  let runs = 0;
  let active = 0;
  const rerun = new Rerun(
    async () => {
      runs += 1;
      active += 1;
      assert.equal(active, 1);
      await Promise.resolve();
      active -= 1;
    },
    (error) => assert.fail(String(error)),
  );
  rerun.request();
  rerun.request();
  rerun.request();
  while (active > 0 || runs < 2) await Promise.resolve();
  await rerun[Symbol.asyncDispose]();
  assert.equal(runs, 2);
});

test("a failed run is reported and does not end the series; none begins after the disposal", async () => {
  const failures: unknown[] = [];
  let runs = 0;
  const rerun = new Rerun(
    async () => {
      runs += 1;
      if (runs === 1) throw new Error("first");
    },
    (error) => failures.push(error),
  );
  rerun.request();
  rerun.request();
  while (runs < 2) await Promise.resolve();
  await rerun[Symbol.asyncDispose]();
  rerun.request();
  assert.equal(runs, 2);
  assert.equal(failures.length, 1);
});
