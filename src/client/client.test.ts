import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { MakimaError } from "../core/errors.ts";
import { createClient, IMPATIENT } from "./client.ts";
import type { HttpRequest } from "./client.ts";

interface Answer {
  status: number;
  body: string;
  retryAfter?: string;
}

interface Asked {
  method: string;
  url: string;
  key: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A server that gives one answer after the other, the last one for ever ("cut": none), and keeps what it was asked. */
async function listen(...answers: (Answer | "cut")[]) {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      asked.push({ method, url, key: headers.authorization ?? "", headers, body });
      const answer = answers[Math.min(asked.length, answers.length) - 1] ?? "cut";
      if (answer === "cut") response.destroy();
      else response.writeHead(answer.status, { "retry-after": answer.retryAfter ?? "0" }).end(answer.body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${port}`, asked, [Symbol.asyncDispose]: close };
}

async function send({ url, ...request }: HttpRequest, signal: AbortSignal) {
  const response = await fetch(url, { ...request, signal });
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get("retry-after") };
}

function impatient(url: string, key = "k") {
  return createClient({ endpoint: async () => ({ url, key }), send, persistence: IMPATIENT });
}

test("a GET puts path parameters into the path and the rest into the query", async () => {
  await using server = await listen({ status: 200, body: '{"tasks":[],"next":null}' });
  const client = impatient(server.url, "mk_user_x");
  assert.deepEqual(await client.call("listTasks", { live: "true", limit: 5 }), { tasks: [], next: null });
  await client.call("getTask", { id: "a/b" });
  assert.deepEqual(
    server.asked.map(({ method, url, key }) => [method, url, key]),
    [
      ["GET", "/api/v1/tasks?live=true&limit=5", "Bearer mk_user_x"],
      ["GET", "/api/v1/tasks/a%2Fb", "Bearer mk_user_x"],
    ],
  );
});

test("a POST puts path parameters into the path and the rest into the body", async () => {
  await using server = await listen({ status: 200, body: "{}" });
  await impatient(server.url).call("stopTask", { id: "7", reason: "because" });
  assert.deepEqual(server.asked[0]?.url, "/api/v1/tasks/7/stop");
  assert.deepEqual(JSON.parse(server.asked[0]?.body ?? ""), { reason: "because" });
});

test("a route without auth does not show the key", async () => {
  await using server = await listen({ status: 200, body: '{"ok":true}' });
  await impatient(server.url, "secret").call("health", {});
  assert.equal(server.asked[0]?.key, "");
});

test("an error of the server comes back as the same error", async () => {
  const error = { code: "ambiguous", message: "Two tasks begin like that", hint: "Give more." };
  await using server = await listen({ status: 409, body: JSON.stringify({ error }) });
  await assert.rejects(impatient(server.url).call("getTask", { id: "1" }), (thrown) => {
    assert.ok(thrown instanceof MakimaError);
    assert.deepEqual(thrown.toBody(), error);
    return true;
  });
});

test("a code that this client does not know keeps its message", async () => {
  const error = { code: "from_the_future", message: "Too new", hint: "Upgrade." };
  await using server = await listen({ status: 400, body: JSON.stringify({ error }) });
  await assert.rejects(impatient(server.url).call("getTask", { id: "1" }), {
    code: "internal",
    message: "Too new (from_the_future)",
    hint: "Upgrade.",
  });
});

test("what is no makima server, or no server at all, is unavailable", async () => {
  await using server = await listen({ status: 502, body: "<html>Bad gateway</html>" });
  const client = impatient(server.url);
  await assert.rejects(client.call("ready", {}), { code: "unavailable", message: /answered 502/ });
  await server[Symbol.asyncDispose]();
  await assert.rejects(client.call("ready", {}), { code: "unavailable", message: /Cannot reach the server/ });
});

test("a call that its caller cancels ends with the caller's reason", async () => {
  await using server = await listen({ status: 200, body: "{}" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(impatient(server.url).call("ready", {}, { signal }), /enough/);
});

/** A client that tries again for ten seconds, and what it was told of that. */
function persistent(url: string) {
  const told: string[] = [];
  const onRetry = ({ code }: MakimaError) => told.push(code);
  const client = createClient({
    endpoint: async () => ({ url, key: "k" }),
    send,
    persistence: { patience: 10_000, onRetry },
  });
  return { client, told };
}

function refusal(status: number, code: string, retryAfter?: string): Answer {
  const body = JSON.stringify({ error: { code, message: "Not now", hint: "Wait." } });
  return { status, body, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

test("a change that got no answer is sent again with the same key, and the caller is told once", async () => {
  const gateway = { status: 502, body: "<html>" };
  await using server = await listen("cut", refusal(503, "database_unavailable"), gateway, { status: 200, body: "{}" });
  const { client, told } = persistent(server.url);
  await client.call("stopTask", { id: "7" });
  const keys = server.asked.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(keys.length, 4);
  assert.equal(new Set(keys).size, 1);
  assert.match(String(keys[0]), /^[0-9a-f-]{36}$/);
  assert.deepEqual(told, ["unavailable"]);

  await client.call("stopTask", { id: "7" });
  assert.notEqual(server.asked.at(-1)?.headers["idempotency-key"], keys[0]);
});

test("a read is repeated too, and needs no key", async () => {
  await using server = await listen(refusal(429, "rate_limited", "1"), { status: 200, body: "{}" });
  const before = performance.now();
  await persistent(server.url).client.call("getTask", { id: "7" });
  assert.ok(performance.now() - before >= 990, "not before Retry-After");
  assert.deepEqual(
    server.asked.map(({ headers }) => headers["idempotency-key"]),
    [undefined, undefined],
  );
});

test("what the server refuses is told at once, and so is a wait that is too long", async () => {
  await using conflict = await listen(refusal(409, "conflict"));
  await assert.rejects(persistent(conflict.url).client.call("pauseTask", { id: "7" }), { code: "conflict" });
  assert.equal(conflict.asked.length, 1);
  await using limited = await listen(refusal(429, "rate_limited", "60"));
  await assert.rejects(persistent(limited.url).client.call("getTask", { id: "7" }), { code: "rate_limited" });
  assert.equal(limited.asked.length, 1);
});

test("patience ends, and a caller who cancels does not wait for that", async () => {
  await using server = await listen("cut");
  const onRetry = () => {};
  const endpoint = async () => ({ url: server.url, key: "k" });
  const { call } = createClient({ endpoint, send, persistence: { patience: 300, onRetry } });
  await assert.rejects(call("getTask", { id: "7" }), { code: "unavailable" });
  assert.ok(server.asked.length > 1);

  const cancel = new AbortController();
  const waiting = createClient({
    endpoint,
    send,
    persistence: { patience: 60_000, onRetry: () => cancel.abort(new Error("enough")) },
  });
  await assert.rejects(waiting.call("getTask", { id: "7" }, { signal: cancel.signal }), /enough/);
});

test("the version that was seen goes along with a change", async () => {
  await using server = await listen({ status: 200, body: "{}" });
  await impatient(server.url).call("updateContract", { id: "7", name: "New" }, { ifMatch: 3 });
  assert.equal(server.asked[0]?.headers["if-match"], '"3"');
  assert.equal(server.asked[0]?.method, "PATCH");
});
