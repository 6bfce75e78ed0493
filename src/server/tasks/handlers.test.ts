import assert from "node:assert/strict";
import { test } from "node:test";
import { contract } from "../testing/data.ts";
import { call, temporaryServer } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";

test("a contract's life over HTTP: tasks added, changed, paused, listed, deleted", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { contract: created, task: first } = await call(server, "createContract", contract);
  const { id } = created;
  const after = [first.id.slice(-8)];
  const { task } = await call(server, "createTask", { id, name: "Second", goal: "Go on", after });
  assert.deepEqual(task.after, [first.id]);
  const named = { id: task.id, name: "Renamed" };
  const version = { "if-match": `"${task.version}"` };
  assert.equal((await call(server, "updateTask", named, version)).task.name, "Renamed");
  await assert.rejects(call(server, "updateTask", named, version), /412.*version_conflict/);

  await using daemon = await FakeDaemon.connect(server);
  const { spec } = await daemon.spawned();
  const { runs } = await call(server, "listRuns", { id: first.id });
  assert.deepEqual(
    runs.map((run) => [run.id, run.status, run.startedAt]),
    [[spec.runId, "assigned", null]],
  );
  await assert.rejects(call(server, "pauseTask", { id: first.id }), /409.*conflict/);
  await call(server, "messageTask", { id: first.id, text: "mind the tests" });

  await call(server, "createContract", contract);
  const { tasks } = await call(server, "listTasks", { contract: id });
  assert.deepEqual(
    tasks.map(({ name }) => name),
    ["Renamed", first.name],
  );
  assert.equal((await call(server, "pauseContract", { id })).contract.status, "paused");
  await assert.rejects(call(server, "completeContract", { id }), /409.*2 of the contract's tasks are live/);
  assert.equal((await call(server, "resumeContract", { id })).contract.status, "active");
  assert.equal((await call(server, "deleteContract", { id })).contract.status, "deleted");
  assert.equal((await call(server, "listContracts", {})).contracts.length, 1);
  assert.equal((await call(server, "getContract", { id })).tasks.length, 2);
});
