import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../../platform/log.ts";
import { ask, bearer } from "../testing/ask.ts";
import { contract } from "../testing/data.ts";
import { call, launch, temporaryHome, temporaryServer, until } from "../testing/harness.ts";

test("every reply has the request's id: the caller's where it is fit to be logged", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const asked = async (path: string, id?: string) => {
    const headers = { ...bearer(server.userKey), ...(id === undefined ? {} : { "x-request-id": id }) };
    return (await ask(`${server.url}${path}`, { headers })).headers["x-request-id"];
  };
  assert.equal(await asked("/api/v1/tasks", "build-17.4"), "build-17.4");
  assert.equal(await asked("/api/v1/nothing", "build-17.4"), "build-17.4");
  for (const odd of ["", "a b", "x".repeat(101), "<script>"]) {
    assert.match(String(await asked("/api/v1/tasks", odd)), /^[0-9a-f-]{36}$/);
  }
  assert.notEqual(await asked("/healthz"), await asked("/healthz"));
});

test("the log has a line for each request, with no key and no body in it", async () => {
  await using home = await temporaryHome();
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  await using server = await launch(home.path, { log: createLogger({ level: "debug", format: "json", stream }) });
  const headers = { ...bearer(server.userKey), "x-request-id": "one" };
  await ask(`${server.url}/api/v1/tasks?limit=3`, { headers });
  await ask(`${server.url}/api/v1/contracts`, {
    headers: { ...headers, "x-request-id": "two" },
    body: JSON.stringify(contract),
  });
  await ask(`${server.url}/api/v1/contracts/unknown`, { headers: { ...headers, "x-request-id": "three" } });
  const found = () =>
    lines.filter((line) => line.includes('"msg":"request"')).map((line) => JSON.parse(line) as object);
  await until(() => found().length === 3);
  const shown = found().map((line) => {
    const { time: _, ms, ...rest } = line as { time: unknown; ms: unknown };
    assert.equal(typeof ms, "number");
    return rest;
  });
  const { keys } = await call(server, "listKeys", {});
  const key = keys.find(({ kind }) => kind === "user")?.id;
  const fixed = { key, msg: "request" };
  assert.deepEqual(shown, [
    { level: 20, request: "one", method: "GET", route: "/api/v1/tasks", status: 200, ...fixed },
    { level: 30, request: "two", method: "POST", route: "/api/v1/contracts", status: 200, ...fixed },
    { level: 20, request: "three", method: "GET", route: "/api/v1/contracts/:id", status: 404, ...fixed },
  ]);
  assert.ok(!lines.join("").includes(server.userKey) && !lines.join("").includes(contract.goal));
});

test("a reply about one thing says its version, and a change for another version is refused", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { contract: made, task } = await call(server, "createContract", contract);
  const things = [`contracts/${made.id}`, `tasks/${task.id}`];
  for (const path of things) {
    const url = `${server.url}/api/v1/${path}`;
    const headers = bearer(server.userKey);
    const change = (version: string, name: string) =>
      ask(url, { method: "PATCH", headers: { ...headers, "if-match": version }, body: JSON.stringify({ name }) });
    const seen = String((await ask(url, { headers })).headers.etag);
    assert.match(seen, /^"\d+"$/);
    const first = await change(seen, "First");
    assert.equal(first.status, 200);
    assert.notEqual(first.headers.etag, seen);
    assert.equal((await ask(url, { headers })).headers.etag, first.headers.etag);
    const second = await change(seen, "Second");
    assert.deepEqual([second.status, second.error?.code], [412, "version_conflict"]);
    assert.equal((await change("*", "Third")).status, 200);
  }
});
