import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { MakimaError } from "../core/errors.ts";
import { createClient } from "./client.ts";
import type { HttpRequest } from "./client.ts";

interface Answer {
  status: number;
  body: string;
}

/** A server that answers everything alike and keeps what it was asked. */
async function listen(answer: Answer) {
  const asked: { method: string; url: string; key: string; body: string }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      asked.push({ method, url, key: headers.authorization ?? "", body });
      response.writeHead(answer.status).end(answer.body);
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
  return { status: response.status, text: await response.text() };
}

test("a GET puts path parameters into the path and the rest into the query", async () => {
  await using server = await listen({ status: 200, body: '{"tasks":[],"next":null}' });
  const client = createClient({ url: server.url, key: "mk_user_x" }, send);
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
  await createClient({ url: server.url, key: "k" }, send).call("stopTask", { id: "7", reason: "because" });
  assert.deepEqual(server.asked[0]?.url, "/api/v1/tasks/7/stop");
  assert.deepEqual(JSON.parse(server.asked[0]?.body ?? ""), { reason: "because" });
});

test("a route without auth does not show the key", async () => {
  await using server = await listen({ status: 200, body: '{"ok":true}' });
  await createClient({ url: server.url, key: "secret" }, send).call("health", {});
  assert.equal(server.asked[0]?.key, "");
});

test("an error of the server comes back as the same error", async () => {
  const error = { code: "ambiguous", message: "Two tasks begin like that", hint: "Give more." };
  await using server = await listen({ status: 409, body: JSON.stringify({ error }) });
  await assert.rejects(createClient({ url: server.url, key: "k" }, send).call("getTask", { id: "1" }), (thrown) => {
    assert.ok(thrown instanceof MakimaError);
    assert.deepEqual(thrown.toBody(), error);
    return true;
  });
});

test("a code that this client does not know keeps its message", async () => {
  const error = { code: "from_the_future", message: "Too new", hint: "Upgrade." };
  await using server = await listen({ status: 400, body: JSON.stringify({ error }) });
  await assert.rejects(createClient({ url: server.url, key: "k" }, send).call("getTask", { id: "1" }), {
    code: "internal",
    message: "Too new (from_the_future)",
    hint: "Upgrade.",
  });
});

test("what is no makima server, or no server at all, is unavailable", async () => {
  await using server = await listen({ status: 502, body: "<html>Bad gateway</html>" });
  const client = createClient({ url: server.url, key: "k" }, send);
  await assert.rejects(client.call("ready", {}), { code: "unavailable", message: /answered 502/ });
  await server[Symbol.asyncDispose]();
  await assert.rejects(client.call("ready", {}), { code: "unavailable", message: /Cannot reach the server/ });
});

test("a call that its caller cancels ends with the caller's reason", async () => {
  await using server = await listen({ status: 200, body: "{}" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(createClient({ url: server.url, key: "k" }, send).call("ready", {}, { signal }), /enough/);
});
