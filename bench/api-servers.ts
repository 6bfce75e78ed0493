import fastify from "fastify";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROUTES, routePath } from "../src/protocol/routes.ts";
import { encodeEvent } from "../src/protocol/run-events.ts";
import { EVENTS } from "../src/protocol/streams.ts";
import { contract, finished, iterationStarted, started, verdict } from "../src/server/testing/data.ts";
import { call, launch, until } from "../src/server/testing/harness.ts";
import { FakeDaemon } from "../src/server/testing/peers.ts";

/** What bench/api.ts asks, and where. */
export interface Servers {
  key: string;
  makima: { port: number; path: string };
  bare: { port: number; path: string };
}

// makima and a bare fastify route with the same JSON, side by side in one process, so that nothing else differs. It says
// where they are on its standard output, and lives until its standard input ends.
const home = await mkdtemp(join(tmpdir(), "makima-bench-"));
const server = await launch(home, { rateLimit: 1_000_000_000 });
const { task } = await call(server, "createContract", contract);
{
  await using daemon = await FakeDaemon.connect(server);
  const { spec } = await daemon.spawned();
  const events = [started, iterationStarted(1), verdict(1), iterationStarted(2), verdict(2), finished()];
  const place = { run: spec.runId, fence: spec.fence, stream: EVENTS, offset: 0 };
  daemon.append(place, events.map(encodeEvent).join(""));
  await until(async () => (await call(server, "getTask", { id: task.id })).task.status === "completed");
}
const detail = await call(server, "getTask", { id: task.id });
const path = routePath(ROUTES.getTask, { id: task.id });

const app = fastify();
app.get("/bare", async () => detail);
const address = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));

const servers: Servers = {
  key: server.userKey,
  makima: { port: server.port, path },
  bare: { port: Number(address.port), path: "/bare" },
};
process.stdout.write(`${JSON.stringify(servers)}\n`);
await process.stdin.resume().toArray();
await Promise.all([app.close(), server.close()]);
await rm(home, { recursive: true });
