import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { clientFor } from "./http.ts";

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url: path, headers } = request;
    const body = Buffer.concat(chunks).toString();
    const described = { type: headers["content-type"], length: headers["content-length"] };
    response.end(JSON.stringify({ method, url: path, body, ...described }));
  });
});
let url: string;
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

test("a request has its body and its length in bytes", async () => {
  const reply: unknown = await clientFor({ url, key: "k" }).call("stopTask", { id: "1", reason: "é" });
  const body = '{"reason":"é"}';
  const type = "application/json";
  assert.deepEqual(reply, { method: "POST", url: "/api/v1/tasks/1/stop", body, type, length: "15" });
});

test("a request without a body has none", async () => {
  const reply: unknown = await clientFor({ url, key: "k" }).call("getTask", { id: "1" });
  assert.deepEqual(reply, { method: "GET", url: "/api/v1/tasks/1", body: "" });
});

test("a port where nobody listens is unavailable, with the reason", async () => {
  await assert.rejects(clientFor({ url: "http://127.0.0.1:1", key: "k" }).call("ready", {}), {
    code: "unavailable",
    message: "Cannot reach the server at http://127.0.0.1:1 (ECONNREFUSED)",
  });
});
