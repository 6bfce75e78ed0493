import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { defaultConfig } from "../../platform/config/config.ts";
import { createLogger } from "../../platform/log.ts";
import type { Delivery } from "../../protocol/api.ts";
import { Store } from "../db/store.ts";
import { silent, temporaryHome, until } from "../testing/basics.ts";
import { Deliverer } from "./deliverer.ts";
import { listDeliveries } from "./list.ts";
import { moveAllNotifications } from "./notifications.ts";
import { notify } from "./notify.ts";
import { takeDelivery } from "./outbox.ts";

const notifications = { ...defaultConfig().notifications, desktop: true };

/** What both operating systems' commands are called with. */
const RECORDER = `#!/bin/sh\nprintf '%s|' "$@" >> "$HOME/shown"\n`;

test("a notification is shown once, however many servers there are", async () => {
  await using world = await setUp(RECORDER);
  await using _one = world.deliverer();
  await using _two = world.deliverer();
  const delivery = await world.over(await world.tell("one"));
  assert.deepEqual([delivery.target, delivery.status, delivery.attempts], ["desktop", "delivered", 1]);
  assert.equal((await world.shown()).split("Failed: one").length, 2);
});

test("a machine without a desktop is told of once, in the log", async () => {
  await using world = await setUp(null);
  await using _deliverer = world.deliverer();
  for (const subject of ["one", "two"]) {
    const delivery = await world.over(await world.tell(subject));
    assert.equal(delivery.status, "failed");
    assert.match(String(delivery.error), /is not installed/);
  }
  assert.equal(world.log.length, 1);
  assert.match(String(world.log[0]), /"level":40.*is not installed/);
});

test("what is read, or was a killed server's to show, is not shown any more", async () => {
  await using world = await setUp(RECORDER);
  const read = await world.tell("one");
  await world.store.write((tx) => moveAllNotifications(tx, "read"));
  const taken = await world.tell("two");
  await world.store.db.updateTable("deliveries").set({ next_at: 0 }).where("notification_id", "=", taken).execute();
  await world.store.write((tx) => takeDelivery(tx, "desktop"));
  await world.store.db.updateTable("deliveries").set({ next_at: 1 }).where("notification_id", "=", taken).execute();
  await using _deliverer = world.deliverer();
  assert.equal((await world.over(read)).error, "It was read already");
  assert.equal((await world.over(taken)).error, "The server that was to show it has died");
  await assert.rejects(world.shown(), { code: "ENOENT" });
});

async function setUp(script: string | null) {
  await using resources = new AsyncDisposableStack();
  const { path: home } = resources.use(await temporaryHome());
  if (script !== null) {
    for (const name of ["notify-send", "osascript"]) await writeFile(join(home, name), script, { mode: 0o755 });
  }
  const source = { kind: "sqlite", path: join(home, "makima.db") } as const;
  const store = resources.use(await Store.open(source, systemClock, silent, notifications));
  const log: string[] = [];
  const stream = { write: (line: string) => log.push(line) };
  const options = {
    notifications,
    environment: { PATH: home, HOME: home },
    clock: systemClock,
    log: createLogger({ level: "info", format: "json", stream }),
  };
  const owned = resources.move();
  return {
    store,
    log,
    deliverer: () => new Deliverer(store, options),
    tell: (subject: string) => tell(store, subject),
    over: (notificationId: string) => over(store, notificationId),
    shown: () => readFile(join(home, "shown"), "utf8"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function tell(store: Store, subject: string): Promise<string> {
  const fixed = { kind: "task-failed", body: "why", contractId: null, taskId: null } as const;
  await store.write((tx) => notify(tx, { ...fixed, subject, title: `Failed: ${subject}` }));
  const row = store.db.selectFrom("notifications").select("id").where("subject", "=", subject);
  return (await row.executeTakeFirstOrThrow()).id;
}

/** Waits for the end of the notification's only delivery. */
async function over(store: Store, notificationId: string): Promise<Delivery> {
  const delivery = async () => (await listDeliveries(store.db, notificationId))[0];
  await until(async () => (await delivery())?.nextAt === null);
  const found = await delivery();
  assert.ok(found !== undefined);
  return found;
}
