import assert from "node:assert/strict";
import { test } from "node:test";
import { Rerun } from "./rerun.ts";

test("requests during a run cause exactly one more, never two at a time", async () => {
  const log: string[] = [];
  const second = Promise.withResolvers<void>();
  await using rerun = new Rerun(
    async () => {
      log.push("begin");
      await Promise.resolve();
      log.push("end");
      if (log.length === 4) second.resolve();
    },
    (error) => assert.fail(String(error)),
  );
  for (let requests = 0; requests < 3; requests += 1) rerun.request();
  await second.promise;
  await rerun[Symbol.asyncDispose]();
  assert.deepEqual(log, ["begin", "end", "begin", "end"]);
});

test("a failed run is reported and does not end the series; none begins after the disposal", async () => {
  const log: unknown[] = [];
  const second = Promise.withResolvers<void>();
  const rerun = new Rerun(
    async () => {
      if (log.length === 0) throw new Error("first");
      log.push("second");
      second.resolve();
    },
    (error) => log.push(error),
  );
  rerun.request();
  rerun.request();
  await second.promise;
  await rerun[Symbol.asyncDispose]();
  rerun.request();
  assert.deepEqual(log, [new Error("first"), "second"]);
});
