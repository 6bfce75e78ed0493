import assert from "node:assert/strict";
import { test } from "node:test";
import { SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import { ask, bearer } from "../testing/ask.ts";
import type { Answer } from "../testing/ask.ts";
import { call, launch, temporaryHome, temporaryServer } from "../testing/harness.ts";

function assertLimited({ status, headers, error }: Answer): void {
  assert.deepEqual([status, error?.code], [429, "rate_limited"]);
  const seconds = Number(headers["retry-after"]);
  assert.ok(seconds >= 1 && seconds <= 60, `in ${seconds} s`);
}

test("each key may ask so often in a minute; upgrades and unknown paths count", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path, { rateLimit: 6 });
  const asked = (path: string, key: string) => ask(`${server.url}${path}`, { headers: bearer(key) });
  const { token } = await call(server, "createKey", { kind: "user", name: "another" });
  for (const path of ["/api/v1/tasks", SUBSCRIBE_PATH, "/api/v1/nothing", "/readyz", "/metrics"]) {
    assert.notEqual((await asked(path, server.userKey)).status, 429, path);
  }
  for (const path of ["/api/v1/tasks", SUBSCRIBE_PATH, "/api/v1/nothing"]) {
    assertLimited(await asked(path, server.userKey));
  }
  assert.equal((await asked("/api/v1/tasks", token)).status, 200);
  for (let times = 0; times < 10; times += 1) assert.equal((await ask(`${server.url}/healthz`)).status, 200);
});

test("who tries keys is slowed down, and who has one at the same address is not", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path);
  const asked = (headers: Record<string, string>) => ask(`${server.url}/api/v1/tasks`, { headers });
  const wrong = () => bearer(`mk_user_${crypto.randomUUID().replaceAll("-", "")}aaaaaaaaaaa`);
  for (let times = 0; times < 30; times += 1) {
    assert.equal((await asked(wrong())).status, 401);
    assert.equal((await asked({})).status, 401);
  }
  assertLimited(await asked(wrong()));
  assertLimited(await asked({}));
  const { token } = await call(server, "createKey", { kind: "user", name: "a colleague" });
  for (const key of [server.userKey, token]) assert.equal((await asked(bearer(key))).status, 200);
  assertLimited(await asked(wrong()));
});

test("so is who tries codes of login links, and whoever has one gets in", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const logIn = (code: string) => ask(`${server.url}/login`, { body: JSON.stringify({ code }) });
  const wrong = () => logIn(`mk_login_${crypto.randomUUID()}`);
  for (let times = 0; times < 60; times += 1) assert.equal((await wrong()).status, 401);
  assertLimited(await wrong());
  const { code } = await call(server, "createLogin", {});
  assert.equal((await logIn(code)).status, 200);
  assertLimited(await logIn(code));
});

test("behind a proxy an address is what the proxy says, and not what the caller says before it", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path, { behindProxy: true, publicUrl: "https://makima.example" });
  let tries = 0;
  const wrong = (address: string) => {
    tries += 1;
    return ask(`${server.url}/api/v1/tasks`, { headers: { "x-forwarded-for": `10.0.0.${tries}, ${address}` } });
  };
  for (let times = 0; times < 60; times += 1) assert.equal((await wrong("192.0.2.1")).status, 401);
  assertLimited(await wrong("192.0.2.1"));
  assert.equal((await wrong("192.0.2.2")).status, 401);
});
