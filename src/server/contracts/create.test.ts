import assert from "node:assert/strict";
import { integrationBranch, shortId } from "../../core/ids.ts";
import { CreateTask } from "../../protocol/api.ts";
import type { CreateContract } from "../../protocol/api.ts";
import { fromJson } from "../db/json.ts";
import type { Store } from "../db/store.ts";
import { createTask } from "../tasks/create.ts";
import { newContract, newOpened } from "../testing/contracts.ts";
import { contract as terms, opened } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { getContract } from "./contracts.ts";

const EVERYTHING: Partial<CreateContract> = {
  goals: ["Be right", "Be fast"],
  baseBranch: "main",
  repositories: [{ path: "/srv/other", base: terms.base, branch: null }],
  completionAction: "merge",
  budgetUsd: 12.5,
  maxParallel: 3,
  includeChanges: true,
  labels: { os: "linux" },
};

async function storedTask(store: Store, id: string) {
  const row = await store.db.selectFrom("tasks").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  return { ...row, checks: fromJson(row.checks), settings: fromJson(row.settings) };
}

onEveryEngine("a contract keeps its terms, and its tasks to come their defaults", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, EVERYTHING);
  const { id, phase, driver, goals, repositories, budgetUsd, maxParallel, completionAction, costUsd } = contract;
  assert.deepEqual(
    [phase, driver, budgetUsd, maxParallel, completionAction, costUsd],
    ["execute", "task", 12.5, 3, "merge", 0],
  );
  assert.deepEqual(goals, [
    { text: "Be right", done: false },
    { text: "Be fast", done: false },
  ]);
  assert.deepEqual(repositories, [
    { path: terms.repository, base: terms.base, branch: "main" },
    { path: "/srv/other", base: terms.base, branch: null },
  ]);
  assert.equal(contract.integrationBranch, integrationBranch("mend-the-parser", shortId(id)));
  assert.deepEqual(await getContract(store.db, id), contract);
  const first = await storedTask(store, task.id);
  assert.deepEqual([first.role, first.base, first.start_at, first.include_changes], ["worker", terms.base, null, 1]);

  const further = CreateTask.parse({ name: "Further", goal: "Go on" });
  const { id: furtherId } = await store.write((tx) => createTask(tx, id, further));
  const second = await storedTask(store, furtherId);
  assert.deepEqual([second.checks, second.settings, second.include_changes], [terms.checks, terms.settings, 0]);
  assert.deepEqual(fromJson(second.labels), { os: "linux" });
});

onEveryEngine("a supervisor is a task without checks, with time to wait and many iterations", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, {
    supervisor: true,
    type: "specification",
    includeChanges: true,
  });
  assert.deepEqual([contract.driver, contract.phase, contract.checks], ["supervisor", "research", terms.checks]);
  const { role, goal, checks, settings, include_changes } = await storedTask(store, task.id);
  assert.deepEqual([role, goal, checks, include_changes], ["supervisor", null, [], 0]);
  const { limits } = terms.settings;
  const wanted = { maxIterations: 100, idleTimeoutMs: limits.iterationTimeoutMs, baseline: false };
  assert.deepEqual(settings, { ...terms.settings, limits: { ...limits, ...wanted } });

  const many = { ...terms.settings, limits: { ...limits, maxIterations: 500 } };
  const patient = await newContract(store, { supervisor: true, settings: many });
  assert.equal((await storedTask(store, patient.task.id)).settings.limits.maxIterations, 500);
});

onEveryEngine("a contract that a person drives begins in its first phase, without a task", async (database) => {
  await using store = await database.open();
  const contract = await newOpened(store);
  assert.deepEqual(
    [contract.driver, contract.phase, contract.goals],
    ["person", "plan", [{ text: "Every test passes", done: false }]],
  );
  assert.equal((await newOpened(store, { type: "specification" })).phase, "research");
  assert.deepEqual(await store.db.selectFrom("tasks").select("id").execute(), []);
  const [change] = await store.db.selectFrom("changes").select(["kind", "contract_id"]).orderBy("seq").execute();
  assert.deepEqual([change?.kind, change?.contract_id], ["contract", contract.id]);
});

onEveryEngine("what cannot come to anything is refused at once", async (database) => {
  await using store = await database.open();
  const refused = async (extra: Partial<CreateContract>, message: RegExp) =>
    assert.rejects(newContract(store, extra), { code: "invalid_request", message });
  await refused({ completionAction: "merge" }, /No branch was checked out/);
  await refused({ type: "specification" }, /somebody has to drive a specification/);
  const again = { path: terms.repository, base: terms.base, branch: null };
  await refused({ repositories: [again] }, /\/srv\/repository is named twice/);
  await assert.rejects(newOpened(store, { completionAction: "merge" }), { hint: /Choose `branch` or `pr`/ });
  assert.deepEqual(await store.db.selectFrom("contracts").select("id").execute(), []);
  for (const completionAction of ["none", "branch", "pr"] as const) {
    assert.equal((await newOpened(store, { ...opened, completionAction })).completionAction, completionAction);
  }
});
