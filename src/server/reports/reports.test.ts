import assert from "node:assert/strict";
import { deleteContract } from "../contracts/transitions.ts";
import { newContract, newOpened } from "../testing/contracts.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { createReport, listReports } from "./reports.ts";

onEveryEngine("reports are listed newest first, page by page, those of one contract only", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store);
  const other = await newOpened(store);
  const ids: string[] = [];
  for (let told = 0; told < 5; told += 1) {
    const { id } = await store.write((tx) => createReport(tx, contract.id, { taskId: task.id, text: `Step ${told}` }));
    ids.push(id);
  }
  await store.write((tx) => createReport(tx, other.id, { taskId: null, text: "Elsewhere" }));
  const first = await listReports(store.db, contract.id, { limit: 3 });
  const second = await listReports(store.db, contract.id, { limit: 3, cursor: first.next ?? "" });
  const listed = [...first.items, ...second.items];
  // Ids of the same millisecond are in no order.
  assert.deepEqual(
    listed.map(({ id }) => id),
    ids.toSorted().toReversed(),
  );
  assert.equal(second.next, null);
  assert.deepEqual(new Set(listed.map(({ taskId }) => taskId)), new Set([task.id]));
  const changes = await store.db.selectFrom("changes").select(["id"]).where("kind", "=", "report").execute();
  assert.equal(changes.length, 6);
});

onEveryEngine("nobody reports on what is over", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  await store.write((tx) => deleteContract(tx, id));
  await assert.rejects(
    store.write((tx) => createReport(tx, id, { taskId: null, text: "Late" })),
    { code: "conflict", message: "The contract is deleted: it takes no more changes" },
  );
});
