import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubscriptionMessage } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC } from "../../protocol/topics.ts";
import type { Store } from "../db/store.ts";
import { postgresDatabase } from "../testing/engines.ts";
import { call, launch, temporaryHome, until } from "../testing/harness.ts";
import { FakeViewer } from "../testing/peers.ts";
import { OUT, playRun } from "../testing/play.ts";
import { startPostgres } from "../testing/postgres.ts";
import { tellTrouble } from "./trouble.ts";

test("viewers are told that the database is away and when it is back, and go on where they were", async () => {
  await using postgres = await startPostgres();
  await using database = await postgresDatabase(postgres);
  await using home = await temporaryHome();
  await using store = await database.open();
  await using server = await launch(home.path, { database: database.source });
  const { daemon, topic, say } = await playRun(server);
  await using _ = daemon;
  await say(OUT, "before ");
  await using viewer = await FakeViewer.connect(server);
  await using late = await FakeViewer.connect(server);
  viewer.subscribe(1, topic);
  await until(() => viewer.bytes(1).length === 7);

  await postgres.stop();
  await until(() => troublesOf(viewer).at(-1) === "trouble");
  late.subscribe(1, topic);
  late.subscribe(2, CHANGES_TOPIC, { follow: false });
  late.subscribe(3, topic);
  late.tell({ type: "unsubscribe", id: 3 });
  await until(() => troublesOf(late).at(-1) === "trouble");
  await Promise.all([toldAtOnce(store), call(server, "health", {})]);
  assert.equal(late.frames.length + late.of("error").length, 0);
  await postgres.start();

  await until(() => troublesOf(viewer).at(-1) === "well" && troublesOf(late).at(-1) === "well");
  await late.ended(2);
  await call(server, "serverInfo", {});
  await until(() => String(late.bytes(1)) === "before ");
  for (const peer of [viewer, late]) {
    assert.deepEqual(peer.of("error"), []);
    const [trouble] = peer.of("trouble");
    assert.ok((trouble?.trouble?.since ?? 0) > 0);
    assert.match(trouble?.trouble?.problem ?? "", /./);
  }
});

/** Who comes while the database is away is told, too. */
async function toldAtOnce(store: Store): Promise<void> {
  await until(() => store.away !== null);
  const told: SubscriptionMessage[] = [];
  await using _ = tellTrouble(store, async (message) => void told.push(message));
  await until(() => told.length === 1);
  assert.deepEqual(told, [{ type: "trouble", trouble: store.away }]);
}

function troublesOf(viewer: FakeViewer): string[] {
  return viewer.of("trouble").map(({ trouble }) => (trouble === null ? "well" : "trouble"));
}
