import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { test } from "node:test";
import { MAX_BODY, SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import type { RunningServer } from "../server.ts";
import { contract } from "../testing/data.ts";
import { call, launch, temporaryHome, temporaryServer } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";

interface Answer {
  status: number;
  error: { code: string; message: string; hint: string } | null;
}

/** A request with exactly these headers; fetch would not let a test lie about its Host. */
async function ask(
  server: RunningServer,
  path: string,
  headers: IncomingHttpHeaders = {},
  body?: string,
): Promise<Answer> {
  const method = body === undefined ? "GET" : "POST";
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const sent = request(`${server.url}${path}`, { method, headers: { ...type, ...headers } });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const parsed = JSON.parse((await response.toArray()).join("")) as { error?: Answer["error"] };
  return { status: response.statusCode ?? 0, error: parsed.error ?? null };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test("Host, then Origin, then token decide who is heard", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const key = bearer(server.userKey);
  const cases: [IncomingHttpHeaders, number][] = [
    [key, 200],
    [{ ...key, host: `localhost:${server.port}` }, 200],
    [{ ...key, host: `[::1]:${server.port}` }, 200],
    [{ ...key, host: "evil.example" }, 403],
    [{ ...key, host: "localhost:1" }, 403],
    [{ ...key, host: `evil.localhost:${server.port}` }, 403],
    [{ ...key, origin: server.url }, 200],
    [{ ...key, origin: "https://evil.example" }, 403],
    [{ ...key, origin: "null" }, 403],
    [{ ...key, origin: `http://localhost:${server.port}` }, 403],
    [{ host: "evil.example" }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{}, 401],
    [bearer("mk_user_wrong"), 401],
    [{ authorization: server.userKey }, 401],
    [bearer(`${server.userKey}x`), 401],
  ];
  for (const [headers, status] of cases) {
    assert.equal((await ask(server, "/api/v1/tasks", headers)).status, status, JSON.stringify(headers));
  }
  assert.equal((await ask(server, "/healthz")).status, 200);
  assert.equal((await ask(server, "/readyz")).status, 200);
  assert.equal((await ask(server, "/healthz", { host: "evil.example" })).status, 403);
});

test("the same holds for the upgrade to a WebSocket", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const upgrade = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const headers = { ...upgrade, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  const key = bearer(server.userKey);
  const statuses = [];
  for (const extra of [{ ...key, host: "evil.example" }, { ...key, origin: "http://evil.example" }, {}]) {
    statuses.push((await ask(server, SUBSCRIBE_PATH, { ...headers, ...extra })).status);
  }
  assert.deepEqual(statuses, [403, 403, 401]);
  assert.equal((await ask(server, "/api/v1/link", { ...headers, ...key })).status, 403);
  assert.equal((await ask(server, SUBSCRIBE_PATH, { ...headers, ...bearer(server.daemonKey) })).status, 403);
});

test("the public address is a second own one", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path, { publicUrl: "https://makima.example" });
  const own = { ...bearer(server.userKey), host: "makima.example" };
  assert.equal((await ask(server, "/api/v1/tasks", { ...own, origin: "https://makima.example" })).status, 200);
  assert.equal((await ask(server, "/api/v1/tasks", { ...own, origin: "http://makima.example" })).status, 403);
});

test("what is malformed, unknown, deep or huge is refused, and nothing is stored", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const key = bearer(server.userKey);
  const create = (body: string) => ask(server, "/api/v1/contracts", key, body);
  const text = (extra: object) => JSON.stringify({ ...contract, ...extra });
  const cases: [string, number, string][] = [
    ["{", 400, "invalid_request"],
    ["[]", 400, "invalid_request"],
    ['"text"', 400, "invalid_request"],
    ["", 400, "invalid_request"],
    [text({ unknown: 1 }), 400, "invalid_request"],
    [text({ goal: "" }), 400, "invalid_request"],
    [text({ base: "HEAD; rm -rf /" }), 400, "invalid_request"],
    [`{"__proto__":{"admin":true},${text({}).slice(1)}`, 400, "invalid_request"],
    [`{"constructor":{"prototype":{}},${text({}).slice(1)}`, 400, "invalid_request"],
    [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, 400, "invalid_request"],
    [text({ goal: "x".repeat(MAX_BODY) }), 413, "payload_too_large"],
  ];
  for (const [body, status, code] of cases) {
    const answer = await create(body);
    assert.deepEqual([answer.status, answer.error?.code], [status, code], body.slice(0, 80));
  }
  const form = await ask(server, "/api/v1/contracts", { ...key, "content-type": "text/plain" }, "{}");
  assert.deepEqual([form.status, form.error?.code], [400, "invalid_request"]);
  assert.deepEqual((await call(server, "listContracts", {})).contracts, []);
  const deepString = await create(text({ goal: `${"[{".repeat(1_000)}"\\` }));
  assert.equal(deepString.status, 200);
});

test("paths and queries are as strict", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const key = bearer(server.userKey);
  const cases: [string, number, string][] = [
    ["/api/v1/nothing", 404, "not_found"],
    ["/api/v1/tasks/unknown", 404, "not_found"],
    ["/api/v1/tasks/%25", 404, "not_found"],
    ["/api/v1/tasks?limit=0", 400, "invalid_request"],
    ["/api/v1/tasks?live=perhaps", 400, "invalid_request"],
    ["/api/v1/tasks?also=this", 400, "invalid_request"],
    ["/api/v1/tasks?limit=1&limit=2", 400, "invalid_request"],
  ];
  for (const [path, status, code] of cases) {
    const answer = await ask(server, path, key);
    assert.deepEqual([answer.status, answer.error?.code], [status, code], path);
    assert.ok(answer.error !== null && answer.error.message.length > 0 && answer.error.hint.length > 0);
  }
  assert.equal((await ask(server, "/api/v1/tasks", key, "{}")).status, 404);
});

test("an id may be shortened at either end as long as it says which", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { task } = await call(server, "createContract", contract);
  await call(server, "createContract", contract);
  assert.equal((await call(server, "getTask", { id: task.id.slice(-8) })).task.id, task.id);
  assert.equal((await call(server, "getTask", { id: task.id.slice(0, 30).toUpperCase() })).task.id, task.id);
  await assert.rejects(call(server, "getTask", { id: task.id.slice(0, 4) }), /409.*ambiguous/);
});

test("lists come in pages, newest first, each item once", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1) made.push((await call(server, "createContract", contract)).task.id);
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await call(server, "listTasks", { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.tasks.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual(seen, made.toSorted().toReversed());
  await call(server, "stopTask", { id: made[0] ?? "" });
  assert.equal((await call(server, "listTasks", { live: "true" })).tasks.length, 4);
  assert.equal((await call(server, "listContracts", { limit: 5 })).next, null);
});

test("a request that is repeated with its Idempotency-Key is carried out once", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const key = { "idempotency-key": "once" };
  const [first, second] = await Promise.all([1, 2].map(() => call(server, "createContract", contract, key)));
  assert.deepEqual(first, second);
  assert.equal((await call(server, "listTasks", {})).tasks.length, 1);
  const other = { ...contract, name: "Another" };
  await assert.rejects(call(server, "createContract", other, key), /409.*conflict/);
  await call(server, "createContract", other);
});

test("the key of a task reads its own contract and nothing else", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const own = await call(server, "createContract", contract);
  const other = await call(server, "createContract", contract);
  await using daemon = await FakeDaemon.connect(server, { maxTasks: 1 });
  const { spec } = await daemon.spawned();
  const agent = { ...server, userKey: spec.taskToken };
  assert.deepEqual(
    (await call(agent, "listTasks", {})).tasks.map(({ id }) => id),
    [own.task.id],
  );
  assert.deepEqual(
    (await call(agent, "listContracts", {})).contracts.map(({ id }) => id),
    [own.contract.id],
  );
  assert.equal((await call(agent, "getTask", { id: own.task.id })).task.id, own.task.id);
  await call(agent, "listStreams", { id: spec.runId });
  const refused = [
    () => call(agent, "getTask", { id: other.task.id }),
    () => call(agent, "getContract", { id: other.contract.id }),
    () => call(agent, "createContract", contract),
    () => call(agent, "stopTask", { id: own.task.id }),
    () => call(agent, "shutdown", {}),
    () => call(agent, "listDaemons", {}),
    () => call({ ...server, userKey: server.daemonKey }, "listTasks", {}),
  ];
  for (const attempt of refused) await assert.rejects(attempt, /403/);
});
