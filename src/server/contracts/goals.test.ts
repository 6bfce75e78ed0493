import assert from "node:assert/strict";
import type { Store } from "../db/store.ts";
import { newOpened } from "../testing/contracts.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { getContract } from "./contracts.ts";
import { changeGoals } from "./goals.ts";

type Changes = Partial<Parameters<typeof changeGoals>[2]>;

function change(store: Store, id: string, changes: Changes) {
  return store.write((tx) => changeGoals(tx, id, { add: [], done: [], open: [], ...changes }));
}

onEveryEngine("goals are added behind the others, and marked by their numbers", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store, { goals: ["one", "two"] });
  const shown = async (changes: Changes) =>
    (await change(store, id, changes)).goals.map(({ text, done }) => `${text} ${done}`);
  assert.deepEqual(await shown({ add: ["three"], done: [1, 2] }), ["one true", "two true", "three false"]);
  assert.deepEqual(await shown({ open: [2], done: [3, 3] }), ["one true", "two false", "three true"]);
  const before = await getContract(store.db, id);
  assert.deepEqual(await change(store, id, {}), before);
});

onEveryEngine("a number that there is not is named, and nothing is changed", async (database) => {
  await using store = await database.open();
  const before = await newOpened(store, { goals: ["one"] });
  const refused = (changes: Changes, message: RegExp) =>
    assert.rejects(change(store, before.id, changes), { code: "invalid_request", message });
  await refused({ done: [1, 7] }, /no goal 7: the contract has 1/);
  // What is added has no number yet.
  await refused({ add: ["two"], open: [2] }, /no goal 2/);
  await refused({ done: [1], open: [1] }, /goal 1 cannot be done and open/);
  assert.deepEqual(await getContract(store.db, before.id), before);
});

onEveryEngine("a contract has a hundred goals and no more", async (database) => {
  await using store = await database.open();
  const hundred = Array.from({ length: 100 }, (_, index) => `goal ${index}`);
  const { id } = await newOpened(store, { goals: [] });
  assert.equal((await change(store, id, { add: hundred })).goals.length, 100);
  assert.equal((await change(store, id, { done: [100] })).goals[99]?.done, true);
  await assert.rejects(change(store, id, { add: ["one more"] }), { code: "invalid_request", message: /at most 100/ });
});
