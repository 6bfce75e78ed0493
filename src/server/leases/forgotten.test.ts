import assert from "node:assert/strict";
import { test } from "node:test";
import { contract } from "../testing/data.ts";
import { call, temporaryServer, until } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";

test("a run that its daemon took up and no longer knows goes to a new one; one that it never got is only sent again", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { task } = await call(server, "createContract", contract);
  {
    await using early = await FakeDaemon.connect(server);
    await early.spawned();
  }
  await using again = await FakeDaemon.connect(server);
  const { commandId, spec } = await again.spawned();
  assert.equal(spec.fence, 1);
  again.tell({ type: "commandDone", id: commandId, error: null, result: null });
  again.tell({ type: "heartbeat", at: 1 });
  await again[Symbol.asyncDispose]();

  await using knowing = await FakeDaemon.connect(server, { runs: [{ runId: spec.runId, fence: 1 }] });
  assert.equal(knowing.of("fenced").length, 0);
  await knowing[Symbol.asyncDispose]();

  await using forgetful = await FakeDaemon.connect(server);
  const next = await forgetful.spawned();
  assert.deepEqual([next.spec.taskId, next.spec.fence, next.spec.resume], [task.id, 2, null]);
  await until(async () => (await call(server, "listRuns", { id: task.id })).runs.length === 2);
  const { runs } = await call(server, "listRuns", { id: task.id });
  assert.deepEqual(runs.map(({ status }) => status).toSorted(), ["assigned", "fenced"]);
});
