import assert from "node:assert/strict";
import type { Command } from "../../protocol/link.ts";
import { finishCommand, giveCommand } from "../commands/commands.ts";
import type { Store } from "../db/store.ts";
import { newId } from "../ids.ts";
import { notify } from "../notifications/notify.ts";
import { finished, started } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { givenOrders, report, request } from "../testing/operations.ts";
import { DAEMON, newRun, say } from "../testing/run.ts";
import { trimReadings, TRIMS } from "./trim.ts";

const LATER = 60_000;

/** Everything that is older than `ahead` ms from now on. */
async function trimAll(store: Store, ahead = LATER): Promise<void> {
  const cutoff = Date.now() + ahead;
  for (const trim of TRIMS) while (await store.write((tx) => trim(tx, cutoff)));
}

function ids(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id).toSorted();
}

onEveryEngine("commands go when they are done and their run is over", async (database) => {
  await using store = await database.open();
  const [over, live] = [await newRun(store), await newRun(store)];
  await say(store, over, started, finished());
  await store.write((tx) => tx.db.deleteFrom("commands").execute());
  const give = async (runId: string, done: boolean): Promise<string> => {
    const command: Command = { kind: "PauseTask", runId };
    await store.write((tx) => giveCommand(tx, DAEMON, runId, command));
    const { id } = await store.db.selectFrom("commands").select("id").orderBy("seq", "desc").executeTakeFirstOrThrow();
    if (done) await store.write((tx) => finishCommand(tx, DAEMON, id, null));
    return id;
  };
  await give(over.runId, true);
  const kept = [await give(over.runId, false), await give(live.runId, true), await give(live.runId, false)];
  await trimAll(store, -LATER);
  assert.equal((await store.db.selectFrom("commands").select("id").execute()).length, 4);
  await trimAll(store);
  assert.deepEqual(ids(await store.db.selectFrom("commands").select("id").execute()), kept.toSorted());
});

onEveryEngine("a dismissed notification loses its texts, and yet never comes back", async (database) => {
  await using store = await database.open();
  const told = { kind: "daemon-lost", title: "Lost", body: "box", contractId: null, taskId: null } as const;
  for (const subject of ["a", "b"]) await store.write((tx) => notify(tx, { ...told, subject }));
  await store.write((tx) =>
    tx.db.updateTable("notifications").set({ status: "dismissed" }).where("subject", "=", "a").execute(),
  );
  await trimAll(store);
  await store.write((tx) => notify(tx, { ...told, subject: "a" }));
  const rows = await store.db.selectFrom("notifications").select(["subject", "status", "title", "body"]).execute();
  const shown = rows.map(({ subject, status, title, body }) => [subject, status, title, body].join("/"));
  assert.deepEqual(shown.toSorted(), ["a/dismissed//", "b/unread/Lost/box"]);
});

onEveryEngine("deliveries that are over go, in as many transactions as it takes", async (database) => {
  await using store = await database.open();
  const told = { kind: "daemon-lost", subject: "a", title: "Lost", body: "", contractId: null, taskId: null } as const;
  await store.write((tx) => notify(tx, told));
  const [notification] = await store.db.selectFrom("notifications").select("id").execute();
  const delivery = (status: "pending" | "delivered" | "failed", now: number) => ({
    id: newId(now),
    notification_id: notification?.id ?? "",
    channel: "c",
    target: "https://example.com",
    status,
    attempts: 1,
    response_status: null,
    error: null,
    next_at: null,
    created_at: now,
  });
  await store.write(async (tx) => {
    const over = Array.from({ length: 1200 }, (_, index) => delivery(index % 2 === 0 ? "delivered" : "failed", tx.now));
    const values = [...over, delivery("pending", tx.now), delivery("failed", tx.now + 2 * LATER)];
    for (let start = 0; start < values.length; start += 300) {
      await tx.db
        .insertInto("deliveries")
        .values(values.slice(start, start + 300))
        .execute();
    }
  });
  await trimAll(store);
  const left = await store.db.selectFrom("deliveries").select("status").orderBy("id").execute();
  assert.deepEqual(
    left.map(({ status }) => status),
    ["pending", "failed"],
  );
});

onEveryEngine("the change feed is trimmed with the rest", async (database) => {
  await using store = await database.open();
  await newRun(store);
  await trimAll(store);
  assert.equal((await store.db.selectFrom("changes").select("seq").execute()).length, 1);
});

onEveryEngine("operations go when they have ended, those that only looked before all rules", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  await say(store, run, started, finished({ outcome: "failed" }));
  const ask = async (body: object) => (await request(store, { ...body, task: run.taskId })).id;
  const [looked, made] = [await ask({ kind: "GetDiff" }), await ask({ kind: "CreateCheckpoint", message: "now" })];
  const error = { code: "gone", message: "no checkout", hint: "" };
  for (const { commandId } of await givenOrders(store)) await report(store, commandId, { error });
  const open = await ask({ kind: "GetDiff" });
  const left = async () => ids(await store.db.selectFrom("operations").select("id").execute());
  await store.write((tx) => trimReadings(tx, Date.now() - LATER));
  assert.deepEqual(await left(), [looked, made, open].toSorted());
  await store.write((tx) => trimReadings(tx, Date.now() + LATER));
  assert.deepEqual(await left(), [made, open].toSorted());
  await trimAll(store);
  assert.deepEqual(await left(), [open]);
  const commands = await store.db.selectFrom("commands").select("operation_id").where("run_id", "is", null).execute();
  assert.deepEqual([commands.length, commands[0]?.operation_id], [1, open]);
});
