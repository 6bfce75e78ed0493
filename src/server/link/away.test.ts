import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../platform/log.ts";
import { contract } from "../testing/data.ts";
import { call, launch, temporaryHome, until } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";
import { startPostgres } from "../testing/postgres.ts";

const OUT = "iterations/0001/out";
const TRY_AGAIN_LATER = 1013;

test("while the database is away nothing is acknowledged, and links are closed; nothing acknowledged is lost", async () => {
  await using cluster = await startPostgres();
  await using home = await temporaryHome();
  const lines: string[] = [];
  const log = createLogger({ level: "warn", format: "json", stream: { write: (line) => lines.push(line) } });
  const database = { kind: "postgres", url: await cluster.createDatabase() } as const;
  await using server = await launch(home.path, { database, log });
  await call(server, "createContract", contract);
  await using busy = await FakeDaemon.connect(server);
  await using idle = await FakeDaemon.connect(server, { daemonId: "d2" });
  const { runId: run, fence } = (await busy.spawned()).spec;
  busy.append({ run, fence, stream: OUT, offset: 0 }, "before, ");
  await until(() => busy.acked(run, OUT) === 8);

  await cluster.stop("immediate");
  busy.append({ run, fence, stream: OUT, offset: 8 }, "meanwhile, ");
  assert.equal(await busy.closed, TRY_AGAIN_LATER);
  assert.equal(busy.acked(run, OUT), 8);
  await cluster.start();

  await using again = await reconnect(server, { runs: [{ runId: run, fence }] });
  assert.deepEqual(again.of("welcome")[0]?.acked, { [run]: { [OUT]: 8 } });
  again.append({ run, fence, stream: OUT, offset: 8 }, "meanwhile, after");
  await until(() => again.acked(run, OUT) === 24);
  // Whoever said nothing while it was away has not noticed; the signs of life go on.
  const seen = async () =>
    (await call(server, "listDaemons", {})).daemons.find(({ id }) => id === "d2")?.lastSeenAt ?? 0;
  const before = await seen();
  idle.tell({ type: "heartbeat", at: 0 });
  await until(async () => (await seen()) > before);
  assert.equal(idle.socket.readyState, idle.socket.OPEN);
  assert.ok(lines.length < 20, lines.join(""));
});

/** As soon as the server has its database again. */
async function reconnect(
  server: Parameters<typeof call>[0] & { daemonKey: string },
  hello: object,
): Promise<FakeDaemon> {
  await until(async () => (await call(server, "serverInfo", {}).catch(() => null)) !== null);
  return FakeDaemon.connect(server, hello);
}
