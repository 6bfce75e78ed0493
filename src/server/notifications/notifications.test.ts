import assert from "node:assert/strict";
import { NOTIFICATION, transition } from "../../core/task-state.ts";
import type { NotificationEvent, NotificationState } from "../../core/task-state.ts";
import { systemClock } from "../../platform/clock.ts";
import type { NotificationsConfig } from "../../platform/config/config.ts";
import { readChanges } from "../changes/changes.ts";
import { Store } from "../db/store.ts";
import { silent } from "../testing/basics.ts";
import { onEveryEngine } from "../testing/engines.ts";
import type { TestDatabase } from "../testing/engines.ts";
import { listDeliveries, listNotifications } from "./list.ts";
import { getNotification, moveAllNotifications, moveNotification } from "./notifications.ts";
import { notify } from "./notify.ts";
import type { NewNotification } from "./notify.ts";

const ALL = { unread: false, kind: null };
const FIRST = { limit: 100 };

onEveryEngine("the same thing is told once, for ever", async (database) => {
  await using store = await database.open();
  await tell(store, "run-1");
  await tell(store, "run-1", { title: "again" });
  await tell(store, "run-1", { kind: "breaker-open" });
  await tell(store, "run-2");
  assert.deepEqual(await told(store), ["breaker-open run-1", "task-failed run-1", "task-failed run-2"]);

  await store.write((tx) => moveAllNotifications(tx, "dismiss"));
  await tell(store, "run-1");
  assert.deepEqual(await told(store), []);
});

onEveryEngine("kinds that nobody wants are not made", async (database) => {
  await using store = await open(database, { kinds: ["task-failed"], desktop: true, webhooks: [] });
  await tell(store, "run-1", { kind: "task-finished" });
  await tell(store, "run-2", { kind: "task-failed" });
  assert.deepEqual(await told(store), ["task-failed run-2"]);
});

onEveryEngine("each event is taken in each state as the machine says", async (database) => {
  await using store = await database.open();
  const paths: Record<NotificationState, NotificationEvent[]> = { unread: [], read: ["read"], dismissed: ["dismiss"] };
  for (const [state, path] of Object.entries(paths)) {
    for (const event of ["read", "dismiss"] as const) {
      const id = await tell(store, `${state} ${event}`);
      for (const step of path) await store.write((tx) => moveNotification(tx, id, step));
      const before = await getNotification(store.db, id);
      const next = transition(NOTIFICATION, before.status, event);
      const repeated = before.status === { read: "read", dismiss: "dismissed" }[event];
      const moved = store.write((tx) => moveNotification(tx, id, event));
      if (next === null && !repeated) await assert.rejects(moved, { code: "conflict" });
      else assert.equal((await moved).status, next ?? before.status);
      assert.equal((await getNotification(store.db, id)).status, next ?? before.status);
    }
  }
});

onEveryEngine("every change is in the feed, and a repeated one is none", async (database) => {
  await using store = await database.open();
  const id = await tell(store, "run-1");
  for (const event of ["read", "read", "dismiss", "dismiss"] as const) {
    await store.write((tx) => moveNotification(tx, id, event));
  }
  const changes = await readChanges(store.db, 0, 100);
  assert.deepEqual(
    changes.map(({ kind, id: of, data }) => [kind, of, data["status"]]),
    [
      ["notification", id, "unread"],
      ["notification", id, "read"],
      ["notification", id, "dismissed"],
    ],
  );
});

onEveryEngine("all are marked at once, each with an entry in the feed", async (database) => {
  await using store = await database.open();
  const ids: string[] = [];
  for (let index = 0; index < 7; index += 1) ids.push(await tell(store, `run-${index}`));
  await store.write((tx) => moveNotification(tx, String(ids[0]), "dismiss"));
  await store.write((tx) => moveNotification(tx, String(ids[1]), "read"));

  assert.equal(await store.write((tx) => moveAllNotifications(tx, "read")), 5);
  assert.equal(await store.write((tx) => moveAllNotifications(tx, "read")), 0);
  assert.equal(await store.write((tx) => moveAllNotifications(tx, "dismiss")), 6);
  const dismissed = (await readChanges(store.db, 0, 100)).filter(({ data }) => data["status"] === "dismissed");
  assert.deepEqual(new Set(dismissed.map(({ id }) => id)), new Set(ids));
  assert.equal(dismissed.length, 7);
});

onEveryEngine("pages are of the newest first, filtered, and never show what was dismissed", async (database) => {
  await using store = await database.open();
  const ids: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    ids.push(await tell(store, `run-${index}`, { kind: index % 2 === 0 ? "task-failed" : "task-finished" }));
  }
  // Of the same moment, the higher id is the newer one.
  const [first = "", second = "", third = "", ...rest] = ids.toSorted();
  await store.write((tx) => moveNotification(tx, third, "dismiss"));
  await store.write((tx) => moveNotification(tx, second, "read"));

  const pageOne = await listNotifications(store.db, ALL, { limit: 3 });
  assert.deepEqual(
    pageOne.items.map(({ id }) => id),
    rest.toReversed(),
  );
  const pageTwo = await listNotifications(store.db, ALL, { limit: 3, cursor: String(pageOne.next) });
  assert.deepEqual([pageTwo.items.map(({ id }) => id), pageTwo.next], [[second, first], null]);
  const unread = await listNotifications(store.db, { unread: true, kind: "task-finished" }, FIRST);
  const wanted = new Set([ids[1], ids[3], ids[5]].filter((id) => id !== second && id !== third));
  assert.deepEqual(new Set(unread.items.map(({ id }) => id)), wanted);
});

onEveryEngine("a new notification is put into the outbox once for each webhook that wants it", async (database) => {
  const webhooks = [
    { url: "https://user:pw@one.example/a?key=secret", secretFile: "/s" },
    { url: "https://one.example/a?key=other", secretFile: "/s", kinds: ["task-failed"] },
    { url: "https://two.example/", secretFile: "/s", kinds: ["contract-done"] },
  ];
  await using store = await open(database, { kinds: null, desktop: true, webhooks });
  const deliveries = await listDeliveries(store.db, await tell(store, "run-1"));
  assert.deepEqual(deliveries.map(({ target, status }) => `${target} ${status}`).toSorted(), [
    "desktop pending",
    "https://one.example/a pending",
    "https://one.example/a pending",
  ]);
});

async function open(database: TestDatabase, notifications: NotificationsConfig): Promise<Store> {
  return Store.open(database.source, systemClock, silent, notifications);
}

async function tell(store: Store, subject: string, fields: Partial<NewNotification> = {}): Promise<string> {
  const fixed = { kind: "task-failed", title: "Failed", body: "", contractId: null, taskId: null } as const;
  const notification = { ...fixed, subject, ...fields };
  await store.write((tx) => notify(tx, notification));
  const row = store.db.selectFrom("notifications").select("id").where("subject", "=", subject);
  return (await row.where("kind", "=", notification.kind).executeTakeFirst())?.id ?? "";
}

/** Kinds and subjects of what is listed, sorted. */
async function told(store: Store): Promise<string[]> {
  const { items } = await listNotifications(store.db, ALL, FIRST);
  const rows = await store.db.selectFrom("notifications").select(["id", "subject"]).execute();
  const subjects = new Map(rows.map(({ id, subject }) => [id, subject]));
  return items.map(({ id, kind }) => `${kind} ${subjects.get(id)}`).toSorted();
}
