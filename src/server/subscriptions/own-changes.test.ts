import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC } from "../../protocol/topics.ts";
import { recordChange, trimChanges } from "../changes/changes.ts";
import type { Store } from "../db/store.ts";
import { twoAgents } from "../testing/agents.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { call, until } from "../testing/harness.ts";
import { FakeViewer } from "../testing/peers.ts";
import { Reader } from "./reader.ts";
import { openTopic } from "./sources.ts";

const POLICY_VIOLATION = 1008;

test("a task's key follows the changes of its own contract, until its run ends", async () => {
  await using world = await twoAgents();
  const { mine, other, user, end } = world;
  await using agent = await FakeViewer.connect(user, mine.taskToken);
  agent.subscribe(1, CHANGES_TOPIC);
  for (const { taskId } of [other, mine, other]) await call(user, "askQuestion", { id: taskId, text: "Which one?" });
  const { changes: all } = await call(user, "listChanges", { limit: 500 });
  const own = ownChanges(all, mine);
  assert.deepEqual(kindsOf(own), ["contract", "question", "run", "task"]);
  assert.deepEqual(kindsOf(all), ["contract", "daemon", "notification", "question", "run", "task"]);
  await until(() => seen(agent, 1).length >= own.length);
  assert.deepEqual(seen(agent, 1), own);
  assert.deepEqual((await call(mine, "listChanges", { limit: 500 })).changes, own);

  await end(mine);
  assert.equal(await agent.closed, POLICY_VIOLATION);
  // What it saw last was still its own.
  const after = ownChanges((await call(user, "listChanges", { limit: 500 })).changes, mine);
  assert.deepEqual(seen(agent, 1), after.slice(0, seen(agent, 1).length));
});

test("without follow it ends where the whole feed ends, and goes on from there", async () => {
  await using world = await twoAgents();
  const { mine, other, user } = world;
  await using agent = await FakeViewer.connect(user, mine.taskToken);
  await call(user, "askQuestion", { id: other.taskId, text: "Which one?" });
  agent.subscribe(1, CHANGES_TOPIC, { follow: false });
  await agent.ended(1);
  const { latest } = await call(user, "listChanges", {});
  assert.deepEqual(agent.of("end"), [{ type: "end", id: 1, cursor: latest }]);
  assert.ok((seen(agent, 1).at(-1)?.seq ?? 0) < latest);
  assert.deepEqual(await call(mine, "listChanges", { from: latest }), {
    changes: [],
    cursor: latest,
    latest,
  });

  agent.subscribe(2, CHANGES_TOPIC, { from: latest });
  await call(user, "askQuestion", { id: mine.taskId, text: "Which one?" });
  await until(() => seen(agent, 2).some(({ kind }) => kind === "question"));
  assert.ok(seen(agent, 2).every(({ seq }) => seq > latest));
});

onEveryEngine(
  "a reader whose contract is quiet keeps up with the feed, however much of it is trimmed",
  async (database) => {
    await using store = await database.open();
    const ids = { keyId: "k", contractId: "own", taskId: "t", runId: "r" };
    const source = await openTopic(store.db, { kind: "task", ...ids }, CHANGES_TOPIC, 1);
    const ending = new AbortController();
    using reader = new Reader(store, source, 0, ending.signal);
    for (let round = 1; round <= 3; round += 1) {
      await record(store, "other");
      await reader.more();
      assert.deepEqual(await reader.read(), { data: null, cursor: round, atEnd: true, complete: false });
      await store.write((tx) => trimChanges(tx, Number.MAX_SAFE_INTEGER));
    }
    await record(store, "own");
    await reader.more();
    const { data, cursor } = await reader.read();
    assert.match(String(data), /"type":"changes","id":1,"changes":\[\{"seq":4,/);
    assert.equal(cursor, 4);
  },
);

function record(store: Store, contractId: string): Promise<void> {
  return store.write((tx) => recordChange(tx, { kind: "task", id: "t", contractId, data: {} }));
}

function seen(viewer: FakeViewer, id: number): Change[] {
  return viewer.of("changes").flatMap((message) => (message.id === id ? message.changes : []));
}

function kindsOf(changes: readonly Change[]): string[] {
  return [...new Set(changes.map(({ kind }) => kind))].toSorted();
}

/** By what the changes themselves say. */
function ownChanges(
  changes: readonly Change[],
  { contractId, taskId }: { contractId: string; taskId: string },
): Change[] {
  return changes.filter(({ kind, data }) => {
    const named = [data["id"], data["contractId"], data["taskId"]];
    return kind !== "notification" && (named.includes(contractId) || named.includes(taskId));
  });
}
