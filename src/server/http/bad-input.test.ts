import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { MAX_BODY } from "../../protocol/routes.ts";
import { ask, bearer } from "../testing/ask.ts";
import type { Answer } from "../testing/ask.ts";
import { contract } from "../testing/data.ts";
import { call, temporaryServer } from "../testing/harness.ts";

/** Every refusal has the same form, and shows nothing of the inside. */
function assertRefused(answer: Answer, status: number, code: string, what: string): void {
  assert.deepEqual([answer.status, answer.error?.code], [status, code], `${what}: ${answer.text}`);
  assert.deepEqual(Object.keys(JSON.parse(answer.text) as object), ["error"]);
  assert.deepEqual(Object.keys(answer.error ?? {}), ["code", "message", "hint"]);
  assert.ok(answer.error !== null && answer.error.message.length > 0 && answer.error.hint.length > 0);
  assert.doesNotMatch(answer.text, /node_modules|\.ts:\d|FST_|SQLITE/);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.ok(answer.headers["x-request-id"]);
}

test("bodies that are malformed, unknown, deep or huge are refused, and nothing is stored", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const headers = bearer(server.userKey);
  const create = (body: string | Buffer) => ask(`${server.url}/api/v1/contracts`, { headers, body });
  const text = (extra: object) => JSON.stringify({ ...contract, ...extra });
  const rest = text({}).slice(1);
  const cases: [string | Buffer, number, string][] = [
    ["{", 400, "invalid_request"],
    ["[]", 400, "invalid_request"],
    ['"text"', 400, "invalid_request"],
    ["null", 400, "invalid_request"],
    ["", 400, "invalid_request"],
    [text({ unknown: 1 }), 400, "invalid_request"],
    [text({ goal: "" }), 400, "invalid_request"],
    [text({ goal: 1 }), 400, "invalid_request"],
    [text({ goal: "a\0b" }), 400, "invalid_request"],
    [text({ goal: "a\ud800b" }), 400, "invalid_request"],
    [text({ name: "two\nlines" }), 400, "invalid_request"],
    [text({ checks: "npm test" }), 400, "invalid_request"],
    [text({ base: "HEAD; rm -rf /" }), 400, "invalid_request"],
    [`{"name":"first",${rest}`, 400, "invalid_request"],
    [`{"n\\u0061me":"first",${rest}`, 400, "invalid_request"],
    [`{"__proto__":{"admin":true},${rest}`, 400, "invalid_request"],
    [`{"constructor":{"prototype":{}},${rest}`, 400, "invalid_request"],
    [`{"constructor":1,${rest}`, 400, "invalid_request"],
    [Buffer.from(text({ goal: "caf\u00e9" }), "latin1"), 400, "invalid_request"],
    [`{"goal":${"[".repeat(100)}${"]".repeat(100)},${rest}`, 400, "invalid_request"],
    [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, 400, "invalid_request"],
    [text({ goal: "x".repeat(MAX_BODY) }), 413, "payload_too_large"],
  ];
  for (const [body, status, code] of cases) {
    assertRefused(await create(body), status, code, String(body.slice(0, 80)));
  }
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "nonsense"]) {
    const typed = { headers: { ...headers, "content-type": type }, body: text({}) };
    assertRefused(await ask(`${server.url}/api/v1/contracts`, typed), 400, "invalid_request", type);
  }
  assert.deepEqual((await call(server, "listContracts", {})).contracts, []);
});

test("what only looks dangerous is stored as it is", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const goal = `${"[{".repeat(1_000)}"\\ __proto__ 😀`;
  const made = await call(server, "createContract", { ...contract, goal });
  assert.equal((await call(server, "getContract", { id: made.contract.id })).contract.goal, goal);
});

test("all that is wrong with a request is said at once", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const body = JSON.stringify({ ...contract, name: 1, goal: "", extra: true, settings: { autonomousLoop: 1 } });
  const { error } = await ask(`${server.url}/api/v1/contracts`, { headers: bearer(server.userKey), body });
  for (const path of ["name: ", "goal: ", "settings.autonomousLoop: ", "settings.limits: ", "extra"]) {
    assert.ok(error?.message.includes(path), `${path} in ${error?.message}`);
  }
});

test("paths, queries and methods are as strict", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const headers = bearer(server.userKey);
  const cases: [string, number, string][] = [
    ["/api/v1/nothing", 404, "not_found"],
    ["/api/v1/tasks/unknown", 404, "not_found"],
    ["/api/v1/tasks/%25", 404, "not_found"],
    ["/api/v1/tasks/%", 400, "invalid_request"],
    ["/api/v1/tasks/%ff", 400, "invalid_request"],
    [`/api/v1/tasks/${"x".repeat(101)}`, 400, "invalid_request"],
    [`/api/v1/${"x".repeat(10_000)}`, 404, "not_found"],
    [`/api/v1/${"x".repeat(100_000)}`, 413, "payload_too_large"],
    ["/api/v1/tasks?limit=0", 400, "invalid_request"],
    ["/api/v1/tasks?limit=-1", 400, "invalid_request"],
    ["/api/v1/tasks?limit=1.5", 400, "invalid_request"],
    ["/api/v1/tasks?limit=501", 400, "invalid_request"],
    ["/api/v1/tasks?limit=1e999", 400, "invalid_request"],
    ["/api/v1/tasks?limit=many", 400, "invalid_request"],
    ["/api/v1/tasks?live=perhaps", 400, "invalid_request"],
    ["/api/v1/tasks?also=this", 400, "invalid_request"],
    ["/api/v1/tasks?limit=1&limit=2", 400, "invalid_request"],
    ["/api/v1/tasks?__proto__=1", 400, "invalid_request"],
    ["/api/v1/tasks?contract=%00", 404, "not_found"],
    ["/api/v1/tasks?cursor=", 400, "invalid_request"],
    ["/api/v1/tasks?cursor=zzzz", 400, "invalid_request"],
    ["/api/v1/tasks?cursor=%27%20or%201%3D1", 400, "invalid_request"],
    [`/api/v1/tasks?cursor=${"a".repeat(300)}`, 400, "invalid_request"],
    ["/api/v1/keys?cursor=0123456789abcdef", 400, "invalid_request"],
    ["/api/v1/changes?from=-1", 400, "invalid_request"],
    ["/api/v1/changes?from=9007199254740993", 400, "invalid_request"],
    ["/api/v1/contracts/%00", 404, "not_found"],
    ["/api/v1/subscribe", 400, "invalid_request"],
  ];
  for (const [path, status, code] of cases) {
    assertRefused(await ask(`${server.url}${path}`, { headers }), status, code, path.slice(0, 80));
  }
  const wrong: [string, string, string][] = [
    ["PUT", "/api/v1/contracts", "GET, POST"],
    ["POST", "/api/v1/tasks", "GET"],
    ["DELETE", "/api/v1/server/shutdown", "POST"],
    ["POST", "/healthz", "GET"],
    ["OPTIONS", "/api/v1/contracts", "GET, POST"],
  ];
  for (const [method, path, allowed] of wrong) {
    const answer = await ask(`${server.url}${path}`, { method, headers });
    assertRefused(answer, 405, "method_not_allowed", `${method} ${path}`);
    assert.equal(answer.headers.allow?.split(", ").toSorted().join(", "), allowed);
  }
});

test("so are headers", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const body = JSON.stringify(contract);
  for (const extra of [
    { "idempotency-key": "x".repeat(201) },
    { "idempotency-key": "a b" },
    { "if-match": "latest" },
  ]) {
    const answer = await ask(`${server.url}/api/v1/contracts`, {
      headers: { ...bearer(server.userKey), ...extra },
      body,
    });
    assertRefused(answer, 400, "invalid_request", JSON.stringify(extra));
  }
  const long = { ...bearer(server.userKey), "x-long": "x".repeat(100_000) };
  assertRefused(await ask(`${server.url}/api/v1/tasks`, { headers: long }), 413, "payload_too_large", "long header");
});

test("what is not HTTP is answered in the same form", async () => {
  await using running = await temporaryServer();
  for (const bytes of ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u0016\u0003\u0001"]) {
    const socket = connect(running.server.port, "127.0.0.1");
    socket.write(bytes);
    const [head = "", body = ""] = (await socket.toArray()).join("").split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 400 .*x-request-id: \S+/s);
    assert.match(body, /^{"error":{"code":"invalid_request",/);
  }
});
