import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import { ask, bearer } from "../testing/ask.ts";
import { launch, temporaryHome, temporaryServer } from "../testing/harness.ts";

test("Host, then Origin, then token decide who is heard", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const key = bearer(server.userKey);
  const cases: [IncomingHttpHeaders, number][] = [
    [key, 200],
    [{ ...key, host: `localhost:${server.port}` }, 200],
    [{ ...key, host: `LOCALHOST:${server.port}` }, 200],
    [{ ...key, host: `[::1]:${server.port}` }, 200],
    [{ ...key, host: "evil.example" }, 403],
    [{ ...key, host: "localhost" }, 403],
    [{ ...key, host: "localhost:1" }, 403],
    [{ ...key, host: `evil.localhost:${server.port}` }, 403],
    [{ ...key, host: `127.0.0.2:${server.port}` }, 403],
    [{ ...key, origin: server.url }, 200],
    [{ ...key, origin: "https://evil.example" }, 403],
    [{ ...key, origin: "null" }, 403],
    [{ ...key, origin: `http://localhost:${server.port}` }, 403],
    [{ ...key, origin: server.url.replace("http", "https") }, 403],
    [{ host: "evil.example" }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{}, 401],
    [bearer("mk_user_wrong"), 401],
    [{ authorization: server.userKey }, 401],
    [{ authorization: `Basic ${server.userKey}` }, 401],
    [bearer(`${server.userKey}x`), 401],
    [bearer(server.userKey.replace("user", "daemon")), 401],
  ];
  for (const [headers, status] of cases) {
    assert.equal((await ask(`${server.url}/api/v1/tasks`, { headers })).status, status, JSON.stringify(headers));
  }
  assert.equal((await ask(`${server.url}/healthz`)).status, 200);
  assert.equal((await ask(`${server.url}/readyz`)).status, 401);
  assert.equal((await ask(`${server.url}/readyz`, { headers: bearer(server.daemonKey) })).status, 200);
  assert.equal((await ask(`${server.url}/healthz`, { headers: { host: "evil.example" } })).status, 403);
});

test("a request without a Host is refused", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const socket = connect(server.port, "127.0.0.1");
  socket.write(`GET /healthz HTTP/1.1\r\nauthorization: Bearer ${server.userKey}\r\nconnection: close\r\n\r\n`);
  const answer = (await socket.toArray()).join("");
  assert.match(answer, /^HTTP\/1\.1 403 /);
  assert.match(answer, /{"error":{"code":"forbidden","message":"This server is not known as nothing"/);
});

test("the same holds for the upgrade to a WebSocket", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const upgrade = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const headers = { ...upgrade, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  const key = bearer(server.userKey);
  const asked = async (path: string, extra: IncomingHttpHeaders) =>
    (await ask(`${server.url}${path}`, { headers: { ...headers, ...extra } })).status;
  assert.equal(await asked(SUBSCRIBE_PATH, { ...key, host: "evil.example" }), 403);
  assert.equal(await asked(SUBSCRIBE_PATH, { ...key, origin: "http://evil.example" }), 403);
  assert.equal(await asked(SUBSCRIBE_PATH, {}), 401);
  assert.equal(await asked(SUBSCRIBE_PATH, bearer(server.daemonKey)), 403);
  assert.equal(await asked("/api/v1/link", key), 403);
});

test("the public address is a second own one", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path, { publicUrl: "https://makima.example" });
  const own = { ...bearer(server.userKey), host: "makima.example" };
  const asked = async (origin: string) =>
    (await ask(`${server.url}/api/v1/tasks`, { headers: { ...own, origin } })).status;
  assert.equal(await asked("https://makima.example"), 200);
  assert.equal(await asked("http://makima.example"), 403);
  assert.equal(await asked(server.url), 403);
});

test("so is the address that a connection was made to", async (context) => {
  const address = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  if (address === undefined) return context.skip("this machine has loopback addresses only");
  await using home = await temporaryHome();
  const proxied = { host: "0.0.0.0", behindProxy: true, publicUrl: "https://makima.example" };
  await using server = await launch(home.path, proxied);
  const url = `http://${address}:${server.port}/api/v1/tasks`;
  assert.equal((await ask(url, { headers: bearer(server.userKey) })).status, 200);
  const lying = { ...bearer(server.userKey), host: `192.0.2.1:${server.port}` };
  assert.equal((await ask(url, { headers: lying })).status, 403);
});
