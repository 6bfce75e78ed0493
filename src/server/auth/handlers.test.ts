import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../testing/harness.ts";
import { newWorld } from "../testing/world.ts";

test("everybody learns whose key a request carries", async () => {
  await using world = await newWorld();
  const { server, own, supervised } = world;
  const ask = (userKey: string) => call({ ...server, userKey }, "whoAmI", {});
  const unbound = { contractId: null, taskId: null, runId: null };
  assert.deepEqual(await ask(server.userKey), { kind: "user", ...unbound });
  assert.deepEqual(await ask(server.daemonKey), { kind: "daemon", ...unbound });
  for (const [kind, { contractId, taskId, runId, taskToken }] of [
    ["task", own],
    ["supervisor", supervised],
  ] as const) {
    assert.deepEqual(await ask(taskToken), { kind, contractId, taskId, runId });
  }
});
