import { sql } from "kysely";
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { CHANGES_TOPIC } from "../../protocol/topics.ts";
import { askRoute } from "../testing/ask.ts";
import { openStore } from "../testing/basics.ts";
import { contract, finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { call, launch, temporaryHome, until } from "../testing/harness.ts";
import { FakeViewer } from "../testing/peers.ts";
import { startPostgres } from "../testing/postgres.ts";
import { newWorld } from "../testing/world.ts";
import { Metrics } from "./metrics.ts";
import { COUNTS, readState } from "./state.ts";

/** Name with labels -> value. */
type Figures = ReadonlyMap<string, number>;

async function scrape(server: { url: string; userKey: string }): Promise<Figures> {
  const { status, text } = await askRoute(server, "metrics", server.userKey, {});
  assert.equal(status, 200);
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("what there is, and what has happened, is there for Prometheus", async () => {
  await using world = await newWorld();
  const { server, daemon, own } = world;
  await call(server, "createContract", contract);
  await using viewer = await FakeViewer.connect(server);
  viewer.subscribe(1, CHANGES_TOPIC);
  await until(() => viewer.of("changes").length > 0);

  const events = [
    iterationStarted(1),
    verdict(1, { refused: true, model: "opus", costUsd: 0.25 }),
    iterationStarted(2),
    verdict(2, { verdict: "done", model: "opus", costUsd: 0.5 }),
    finished(),
  ];
  const data = events.map(encodeEvent).join("");
  const offset = encodeEvent(started).length;
  daemon.append({ run: own.runId, fence: 1, stream: EVENTS, offset }, data);
  await until(async () => (await call(server, "getTask", { id: own.taskId })).task.status === "completed");
  await daemon.spawned(4);
  await until(async () => (await scrape(server)).get('makima_tasks{status="starting"}') === 1);

  const figures = await scrape(server);
  const labels = '{agent="claude",model="opus"}';
  const expected: Record<string, number> = {
    makima_database_up: 1,
    'makima_tasks{status="pending"}': 0,
    'makima_tasks{status="waiting"}': 2,
    makima_oldest_pending_seconds: 0,
    makima_live_runs: 3,
    'makima_daemons{state="online"}': 1,
    'makima_daemons{state="offline"}': 1,
    makima_commands_open: 5,
    makima_worktree_bytes: 0,
    makima_worktrees_full: 0,
    makima_deliveries_pending: 0,
    'makima_runs_ended_total{outcome="completed"}': 1,
    [`makima_iterations_total${labels}`]: 2,
    [`makima_gates_refused_total${labels}`]: 1,
    [`makima_cost_usd_total${labels}`]: 0.75,
    makima_appended_bytes_total: data.length + 3 * offset,
    makima_subscriptions: 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(figures.get(name), value, name);
  for (const name of ["makima_frames_sent_total", "makima_changes_head", "makima_append_commit_seconds_count"]) {
    assert.ok((figures.get(name) ?? 0) > 0, name);
  }
  assert.ok((figures.get("process_resident_memory_bytes") ?? 0) > 1e6);
  const route = 'method="GET",route="/api/v1/tasks/:id",status="200"';
  assert.ok((figures.get(`makima_http_request_duration_seconds_count{${route}}`) ?? 0) > 0);
});

test("the state is read from indexes of what is live, not from all that ever was", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const { rows } = await sql<{ detail: string }>`explain query plan ${COUNTS}`.execute(store.db);
  const scans = rows.map(({ detail }) => detail).filter((detail) => /\b(SCAN|SEARCH) \w/.test(detail));
  assert.ok(scans.length > 5);
  for (const scan of scans) assert.match(scan, /INDEX|SCAN (daemons|CONSTANT ROW)/);
  assert.equal((await readState(store.db)).liveRuns, 0);
});

test("names that agents make up do not fill the memory", async () => {
  const metrics = new Metrics();
  for (let name = 0; name < 1_000; name += 1) {
    metrics.count({ kind: "iteration", agent: "claude", model: `model-${name}`, refused: false, costUsd: -1 });
  }
  const series = (await metrics.text(null)).match(/^makima_iterations_total\{.*$/gm) ?? [];
  assert.equal(series.length, 101);
  assert.ok(series.some((line) => line.includes('model="other"') && line.endsWith(" 900")));
});

test("while the database is away the server is not ready, and still shows its own figures", async () => {
  await using home = await temporaryHome();
  await using cluster = await startPostgres();
  await using server = await launch(home.path, { database: { kind: "postgres", url: await cluster.createDatabase() } });
  assert.equal((await askRoute(server, "ready", server.userKey, {})).status, 200);
  await cluster.stop("immediate");
  const { status, error } = await askRoute(server, "ready", server.userKey, {});
  assert.deepEqual([status, error?.code], [503, "database_unavailable"]);
  const figures = await scrape(server);
  assert.equal(figures.get("makima_database_up"), 0);
  assert.equal(figures.get("makima_live_runs"), undefined);
  assert.equal((await askRoute(server, "health", null, {})).status, 200);
  await cluster.start();
  await until(async () => (await askRoute(server, "ready", server.userKey, {})).status === 200);
});
