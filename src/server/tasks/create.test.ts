import assert from "node:assert/strict";
import { test } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { CreateContract, CreateTask } from "../../protocol/api.ts";
import type { Task } from "../../protocol/api.ts";
import { openCommands } from "../commands/commands.ts";
import { createContract } from "../contracts/create.ts";
import { fromJson, fromNullableJson } from "../db/json.ts";
import type { Store } from "../db/store.ts";
import { askRoute } from "../testing/ask.ts";
import { openStore, temporaryHome } from "../testing/basics.ts";
import { contract } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { call, temporaryServer } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";
import { addTask, connect, DAEMON, newSupervisor, nextRun } from "../testing/run.ts";
import { createTask } from "./create.ts";

async function rowOf({ db }: Store, { id }: Task) {
  const row = await db.selectFrom("tasks").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  return { ...row, settings: fromJson(row.settings), startAt: fromNullableJson(row.start_at) };
}

onEveryEngine("a task starts from the integration branch, or from what it names", async (database) => {
  await using store = await database.open();
  const other = { path: "/srv/other", base: "1".repeat(40), branch: "main" };
  const { contractId } = await newSupervisor(store, { repositories: [other] });
  const { integration_branch: ref } = await store.db
    .selectFrom("contracts")
    .select("integration_branch")
    .executeTakeFirstOrThrow();
  const commit = "2".repeat(40);
  for (const [input, repository, base, startAt] of [
    [{}, contract.repository, contract.base, { ref, required: false }],
    [{ repository: other.path }, other.path, other.base, { ref, required: false }],
    [{ base: commit }, contract.repository, commit, null],
    [{ base: "v1" }, contract.repository, contract.base, { ref: "v1", required: true }],
    [{ base: "v1", repository: other.path }, other.path, other.base, { ref: "v1", required: true }],
  ] as const) {
    const row = await rowOf(store, await addTask(store, contractId, input));
    assert.deepEqual([row.repository, row.base, row.startAt], [repository, base, startAt]);
  }
  await assert.rejects(addTask(store, contractId, { repository: "/srv/elsewhere" }), {
    code: "invalid_request",
    message: "repository: /srv/elsewhere is not one of the contract's: /srv/repository, /srv/other",
  });
});

onEveryEngine("what a task does not say is as the contract has it", async (database) => {
  await using store = await database.open();
  const { contractId } = await newSupervisor(store);
  const limits = { maxIterations: 3, budgetUsd: 2 };
  const row = await rowOf(store, await addTask(store, contractId, { limits, checks: ["true"] }));
  assert.deepEqual(row.settings, {
    ...contract.settings,
    limits: { ...contract.settings.limits, ...limits },
  });
  assert.deepEqual([row.role, row.agent, fromJson(row.checks)], ["worker", "claude", ["true"]]);
});

onEveryEngine("a task is listed under one of its contract, and no other", async (database) => {
  await using store = await database.open();
  const [{ contractId, taskId }, foreign] = [await newSupervisor(store), await newSupervisor(store)];
  const parent = await addTask(store, contractId, { parent: taskId });
  assert.equal(parent.parentId, taskId);
  assert.equal((await addTask(store, contractId, { parent: parent.id.slice(-8) })).parentId, parent.id);
  await assert.rejects(addTask(store, contractId, { parent: foreign.taskId }), { code: "invalid_request" });
  for (const input of [{ parent: foreign.taskId.slice(-8) }, { after: [foreign.taskId.slice(-8)] }]) {
    await assert.rejects(addTask(store, contractId, input), { code: "not_found" });
  }
});

onEveryEngine("a supervisor is told what it supervises; its tasks are not", async (database) => {
  await using store = await database.open();
  const terms = { type: "specification", goals: ["Be fast", "Be right"] } as const;
  const { contractId } = await newSupervisor(store, { ...terms, goals: [...terms.goals] });
  await nextRun(store, (await addTask(store, contractId)).id);
  const specs = (await openCommands(store.db, DAEMON, 0)).flatMap(({ command }) =>
    command.kind === "SpawnTask" ? [command.spec] : [],
  );
  const [supervision, none] = specs.map((spec) => spec.supervision);
  assert.deepEqual(
    [supervision?.type, supervision?.phase, supervision?.goals],
    ["specification", "research", terms.goals],
  );
  assert.deepEqual(supervision?.phases.slice(0, 2), [
    { phase: "research", files: ["research"] },
    { phase: "specify", files: ["specification"] },
  ]);
  assert.match(supervision?.integrationBranch ?? "", /^makima\/mend-the-parser\/integration-/);
  assert.equal(none, null);
});

onEveryEngine("a contract of an older makima takes no further task, in words", async (database) => {
  await using store = await database.open();
  const { contract: old } = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  await store.db.updateTable("contracts").set({ defaults: null }).execute();
  await assert.rejects(addTask(store, old.id), { code: "conflict", message: /^An older makima made the contract/ });
});

test("a contract has a bounded number of tasks", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const { contract: made } = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  await connect(store);
  const task = CreateTask.parse({ name: "Next", goal: "Go on" });
  await store.write(async (tx) => {
    for (let count = 1; count < 1_000; count += 1) await createTask(tx, made.id, task);
    await assert.rejects(
      createTask(tx, made.id, task),
      (error) => error instanceof MakimaError && error.code === "conflict" && /1000 tasks/.test(error.message),
    );
  });
});

test("a supervisor's key spawns tasks under its own task, and drives those of its contract alone", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { contract: own, task } = await call(server, "createContract", { ...contract, supervisor: true });
  const { contract: foreign, task: other } = await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server);
  await daemon.spawned(2);
  const tokens = new Map(daemon.spawns.map(({ spec }) => [spec.taskId, spec.taskToken]));
  const agent = { ...server, userKey: tokens.get(task.id) ?? "" };
  const { task: spawned } = await call(agent, "createTask", { id: own.id, name: "Next", goal: "Go on" });
  assert.equal(spawned.parentId, task.id);
  const { task: by } = await call(server, "createTask", { id: own.id, name: "Next", goal: "Go on" });
  assert.equal(by.parentId, null);
  const { spec } = await daemon.spawned(3);
  await call(agent, "messageTask", { id: spawned.id.slice(-8), text: "Mind the tests" });
  await call(agent, "stopTask", { id: spawned.id, reason: "not needed" });

  const create = (key: string, id: string) => askRoute(server, "createTask", key, { id, name: "Next", goal: "Go on" });
  const stop = (id: string) => askRoute(server, "stopTask", agent.userKey, { id });
  const refused = [
    await create(agent.userKey, foreign.id),
    await stop(other.id),
    await stop(other.id.slice(-8)),
    await create(tokens.get(other.id) ?? "", foreign.id),
    await create(spec.taskToken, own.id),
  ];
  assert.deepEqual(
    refused.map(({ error }) => error?.code),
    ["forbidden", "forbidden", "not_found", "forbidden", "forbidden"],
  );
});
