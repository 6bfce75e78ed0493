import assert from "node:assert/strict";
import { test } from "node:test";
import { twoAgents } from "../testing/agents.ts";
import { call, until } from "../testing/harness.ts";

test("what a person is told of is listed, read, dismissed and followed over HTTP", async () => {
  await using world = await twoAgents();
  const { mine, other, user } = world;
  await world.end(mine);
  await until(async () => (await list(user, {})).length === 2);
  assert.deepEqual((await list(user, { kind: "contract-done" })).length, 1);
  const [first] = await list(user, { kind: "task-finished" });
  assert.ok(first !== undefined);
  assert.equal(first.taskId, mine.taskId);
  const { id } = first;
  assert.equal((await call(user, "readNotification", { id })).notification.status, "read");
  assert.deepEqual(
    (await list(user, { unread: true })).map(({ kind }) => kind),
    ["contract-done"],
  );
  assert.deepEqual((await call(user, "listDeliveries", { id })).deliveries, []);
  assert.equal((await call(user, "dismissNotification", { id })).notification.status, "dismissed");
  await assert.rejects(call(user, "readNotification", { id }), /409.*conflict/);
  assert.equal((await call(user, "markNotifications", { as: "dismissed" })).marked, 1);
  assert.deepEqual(await list(user, {}), []);
  await assert.rejects(call(user, "listDeliveries", { id: "ffffffff" }), /404.*not_found/);
  await assert.rejects(call(other, "listNotifications", {}), /403.*forbidden/);
});

async function list(user: { url: string; userKey: string }, fields: Record<string, unknown>) {
  return (await call(user, "listNotifications", fields)).notifications;
}
