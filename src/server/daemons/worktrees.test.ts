import assert from "node:assert/strict";
import { readChanges } from "../changes/changes.ts";
import type { Store } from "../db/store.ts";
import { listNotifications } from "../notifications/list.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { connect, DAEMON, HOLDER } from "../testing/run.ts";
import { getDaemon } from "./daemons.ts";
import { noteWorktrees } from "./worktrees.ts";

const GB = 1e9;

async function note(store: Store, gigabytes: number, quota: number | null = 20): Promise<boolean> {
  const size = { bytes: gigabytes * GB, quota: quota === null ? null : quota * GB };
  return store.write((tx) => noteWorktrees(tx, HOLDER, size));
}

async function told(store: Store) {
  const { items } = await listNotifications(store.db, { unread: false, kind: "worktrees-full" }, { limit: 10 });
  return items;
}

onEveryEngine("what a daemon's checkouts take is there to see, and in the feed where it has changed", async (db) => {
  await using store = await db.open();
  await connect(store);
  assert.equal((await getDaemon(store.db, DAEMON)).worktrees, null);
  for (let times = 0; times < 3; times += 1) assert.ok(await note(store, 3));
  await note(store, 4, null);
  assert.deepEqual((await getDaemon(store.db, DAEMON)).worktrees, { bytes: 4 * GB, quota: null });
  const shown = (await readChanges(store.db, 0, 100)).map(({ data }) => data["worktrees"]);
  assert.deepEqual(shown, [null, { bytes: 3 * GB, quota: 20 * GB }, { bytes: 4 * GB, quota: null }]);
  // It stays known while the daemon is away, and when it is back.
  await connect(store);
  assert.equal((await getDaemon(store.db, DAEMON)).worktrees?.bytes, 4 * GB);
});

onEveryEngine("people hear once that it passes the quota, and again after it has been well below", async (db) => {
  await using store = await db.open();
  await connect(store);
  const steps: [gigabytes: number, quota: number | null, notifications: number][] = [
    [20, 20, 0],
    [21, 20, 1],
    [25, 20, 1],
    [19, 20, 1],
    [21, 20, 1],
    [18, 20, 1],
    [21, 20, 2],
    [30, null, 2],
    [31, 30, 3],
  ];
  for (const [gigabytes, quota, notifications] of steps) {
    await note(store, gigabytes, quota);
    assert.equal((await told(store)).length, notifications, `${gigabytes} of ${quota}`);
  }
  const first = (await told(store)).at(-1);
  assert.equal(first?.title, "Worktrees full: d1");
  assert.match(first.body, /on box take 21 GB, of a quota of 20 GB\.\n`makima worktree clean --daemon d1`/);
});

onEveryEngine("a connection that has lost the identity says nothing for the daemon", async (database) => {
  await using store = await database.open();
  await connect(store);
  const stranger = { ...HOLDER, linkId: "l9" };
  assert.equal(await store.write((tx) => noteWorktrees(tx, stranger, { bytes: 1, quota: null })), false);
  assert.equal((await getDaemon(store.db, DAEMON)).worktrees, null);
});
