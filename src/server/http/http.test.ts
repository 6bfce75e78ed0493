import assert from "node:assert/strict";
import { test } from "node:test";
import { contract } from "../testing/data.ts";
import { call, temporaryServer } from "../testing/harness.ts";

test("an id may be shortened at either end as long as it says which", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { task } = await call(server, "createContract", contract);
  await call(server, "createContract", contract);
  assert.equal((await call(server, "getTask", { id: task.id.slice(-8) })).task.id, task.id);
  assert.equal((await call(server, "getTask", { id: task.id.slice(0, 30).toUpperCase() })).task.id, task.id);
  await assert.rejects(call(server, "getTask", { id: task.id.slice(0, 4) }), /409.*ambiguous/);
});

test("lists come in pages, newest first, each item once", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1) made.push((await call(server, "createContract", contract)).task.id);
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await call(server, "listTasks", { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.tasks.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual(seen, made.toSorted().toReversed());
  await call(server, "stopTask", { id: made[0] ?? "" });
  assert.equal((await call(server, "listTasks", { live: "true" })).tasks.length, 4);
  assert.equal((await call(server, "listContracts", { limit: 5 })).next, null);
});

test("a request that is repeated with its Idempotency-Key is carried out once", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const key = { "idempotency-key": "once" };
  const [first, second] = await Promise.all([1, 2].map(() => call(server, "createContract", contract, key)));
  assert.deepEqual(first, second);
  assert.equal((await call(server, "listTasks", {})).tasks.length, 1);
  const other = { ...contract, name: "Another" };
  await assert.rejects(call(server, "createContract", other, key), /409.*conflict/);
  await call(server, "createContract", other);
});
