import assert from "node:assert/strict";
import { LINK_DEAD_AFTER } from "../../protocol/link.ts";
import { changesCursor, readChanges } from "../changes/changes.ts";
import type { Store } from "../db/store.ts";
import { getTask } from "../tasks/view.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { HOLDER, newRun } from "../testing/run.ts";
import { listDaemons } from "./daemons.ts";
import {
  holdsIdentity,
  identityTopic,
  keepIdentities,
  loseIdentity,
  releaseIdentity,
  takeIdentity,
} from "./identity.ts";
import type { Introduction } from "./identity.ts";

const first: Introduction = {
  id: "d1",
  instance: "i1",
  name: "d1",
  host: "first",
  maxTasks: 4,
  labels: { gpu: "yes" },
};
const second = { ...first, instance: "i2", host: "second" };
const holder = (linkId: string) => ({ daemonId: first.id, linkId });

onEveryEngine("an identity is free, or held by one connection, whichever server asks", async (database) => {
  await using store = await database.open();
  assert.equal(await take(store, first, "l1"), null);
  assert.deepEqual(await take(store, second, "l2"), { kind: "held", host: "first" });
  assert.deepEqual(await holds(store), { l1: true, l2: false });

  await store.write((tx) => releaseIdentity(tx, holder("l1")));
  assert.equal(await take(store, second, "l2"), null);
  assert.deepEqual(await holds(store), { l1: false, l2: true });
});

onEveryEngine(
  "the same start of a daemon takes over from its lost connection, which can do no harm",
  async (database) => {
    await using store = await database.open();
    await take(store, first, "l1");
    let woken = 0;
    using _ = store.wakeups.listen(identityTopic(first.id), () => (woken += 1));
    assert.equal(await take(store, first, "l2"), null);
    assert.equal(woken, 1);
    await store.write((tx) => releaseIdentity(tx, holder("l1")));
    const kept = await store.write((tx) => keepIdentities(tx, [holder("l1"), holder("l2")]));
    assert.deepEqual([...kept], ["l2"]);
    assert.deepEqual(await holds(store), { l1: false, l2: true });
  },
);

onEveryEngine(
  "one that has not been heard for too long has lost its identity, and one from the future too",
  async (database) => {
    await using store = await database.open();
    await take(store, first, "l1");
    await shiftLastSeen(store, LINK_DEAD_AFTER - 5_000);
    assert.deepEqual(await take(store, second, "l2"), { kind: "held", host: "first" });
    await shiftLastSeen(store, 10_000);
    assert.equal(await take(store, second, "l2"), null);
    await shiftLastSeen(store, -3_600_000);
    assert.equal(await take(store, first, "l3"), null);
  },
);

onEveryEngine("the feed tells of what people see, once, and not of signs of life", async (database) => {
  await using store = await database.open();
  await take(store, first, "l1");
  const before = await changesCursor(store.db);
  await store.write((tx) => keepIdentities(tx, [holder("l1")]));
  await take(store, first, "l2");
  assert.equal(await changesCursor(store.db), before);
  await take(store, { ...first, labels: { gpu: "no" } }, "l3");
  await store.write((tx) => releaseIdentity(tx, holder("l3")));
  await store.write((tx) => releaseIdentity(tx, holder("l3")));
  const changes = await readChanges(store.db, before, 100);
  assert.deepEqual(
    changes.map(({ kind, data }) => [kind, data["online"], data["labels"]]),
    [
      ["daemon", true, { gpu: "no" }],
      ["daemon", false, { gpu: "no" }],
    ],
  );
});

onEveryEngine(
  "a silent daemon is offline once, unless it was heard meanwhile, and its tasks are unreachable",
  async (database) => {
    await using store = await database.open();
    const { taskId } = await newRun(store);
    const seen = async () => (await listDaemons(store.db))[0]?.lastSeenAt ?? 0;
    await shiftLastSeen(store, 20_000);
    const longAgo = await seen();
    await store.write((tx) => keepIdentities(tx, [HOLDER]));
    await store.write((tx) => loseIdentity(tx, HOLDER.daemonId, longAgo));
    assert.equal((await getTask(store.db, taskId)).unreachable, false);

    const lastSeen = await seen();
    await store.write((tx) => loseIdentity(tx, HOLDER.daemonId, lastSeen));
    const cursor = await changesCursor(store.db);
    await store.write((tx) => loseIdentity(tx, HOLDER.daemonId, lastSeen));
    assert.equal(await changesCursor(store.db), cursor);
    const task = await getTask(store.db, taskId);
    assert.deepEqual([task.unreachable, task.status], [true, "starting"]);
    assert.equal(await seen(), lastSeen);
  },
);

function take(store: Store, introduction: Introduction, linkId: string, keyId = "k") {
  return store.write((tx) => takeIdentity(tx, introduction, { linkId, keyId }));
}

async function holds({ db }: Store) {
  return { l1: await holdsIdentity(db, holder("l1")), l2: await holdsIdentity(db, holder("l2")) };
}

/** As if the last sign of life had come earlier (ms). */
async function shiftLastSeen({ db }: Store, by: number): Promise<void> {
  await db
    .updateTable("daemons")
    .set((eb) => ({ last_seen_at: eb("last_seen_at", "-", by) }))
    .execute();
}
