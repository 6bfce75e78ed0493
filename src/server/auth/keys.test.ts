import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reply } from "../../protocol/api.ts";
import { SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import type { RunningServer } from "../server.ts";
import { ask, askRoute, bearer } from "../testing/ask.ts";
import { openStore } from "../testing/basics.ts";
import { contract } from "../testing/data.ts";
import { sharedPostgres } from "../testing/engines.ts";
import { call, launch, temporaryHome, temporaryServer, until } from "../testing/harness.ts";
import { FakeDaemon, FakeViewer } from "../testing/peers.ts";
import { newWorld } from "../testing/world.ts";
import { authenticate } from "./keys.ts";

const POLICY_VIOLATION = 1008;

test("a token is shown once, and kept as its hash only", async () => {
  await using home = await temporaryHome();
  let token = "";
  {
    await using server = await launch(home.path);
    const made = await call(server, "createKey", { kind: "daemon", name: "The box under the desk" });
    ({ token } = made);
    assert.match(token, /^mk_daemon_[\w-]{43}$/);
    const { keys } = await call(server, "listKeys", {});
    assert.deepEqual(keys[0], made.key);
    assert.ok(!JSON.stringify(keys).includes(token));
    assert.equal((await askRoute(server, "ready", token, {})).status, 200);
    assert.equal((await askRoute(server, "listKeys", token, {})).status, 403);
  }
  await using store = await openStore(home.path);
  assert.ok(!JSON.stringify(await store.db.selectFrom("keys").selectAll().execute()).includes(token));
  assert.equal((await authenticate(store, token))?.kind, "daemon");
  assert.equal(await authenticate(store, `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`), null);
});

test("keys are listed in pages, the newest first, without those of tasks unless all are asked for", async () => {
  await using world = await newWorld();
  const { server } = world;
  const names = ["1", "2", "3"];
  for (const name of names) await call(server, "createKey", { kind: "user", name });
  const seen: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page: Reply<"listKeys"> = await call(server, "listKeys", { limit: 2, ...(cursor ? { cursor } : {}) });
    seen.push(...page.keys.map(({ name }) => String(name)));
    cursor = page.next;
  }
  assert.deepEqual(seen.toSorted(), ["1", "2", "3", "local", "local"]);
  const all = await call(server, "listKeys", { all: "true" });
  assert.equal(all.keys.filter(({ kind }) => kind === "task").length, 3);
});

test("a revoked key ends at once, with what is connected under it; again is no error", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const user = await call(server, "createKey", { kind: "user", name: "a colleague" });
  const daemon = await call(server, "createKey", { kind: "daemon", name: "a box" });
  await using viewer = await FakeViewer.connect(server, user.token);
  await using link = await FakeDaemon.connect({ ...server, daemonKey: daemon.token });
  for (const { key, token } of [user, daemon]) {
    assert.equal((await askRoute(server, "ready", token, {})).status, 200);
    const { key: revoked } = await call(server, "revokeKey", { id: key.id });
    assert.ok(revoked.revokedAt !== null);
    assert.equal((await askRoute(server, "ready", token, {})).status, 401);
    assert.deepEqual(await call(server, "revokeKey", { id: key.id }), { key: revoked });
  }
  assert.deepEqual(await Promise.all([viewer.closed, link.closed]), [POLICY_VIOLATION, POLICY_VIOLATION]);
  const { status } = await ask(`${server.url}${SUBSCRIBE_PATH}`, { headers: bearer(user.token) });
  assert.equal(status, 401);
  assert.ok(!(await call(server, "listKeys", {})).keys.some(({ id }) => id === user.key.id));
});

test("on another server of the same database too", async () => {
  await using home = await temporaryHome();
  await using other = await temporaryHome();
  const cluster = await sharedPostgres();
  const database = { kind: "postgres", url: await cluster.createDatabase() } as const;
  await using first = await launch(home.path, { database });
  await using second = await launch(other.path, { database });
  const { key, token } = await call(first, "createKey", { kind: "user", name: "a colleague" });
  await using viewer = await FakeViewer.connect(second, token);
  assert.equal((await askRoute(second, "ready", token, {})).status, 200);
  await call(first, "revokeKey", { id: key.id });
  assert.equal(await viewer.closed, POLICY_VIOLATION);
  await until(async () => (await askRoute(second, "ready", token, {})).status === 401);
  // Each server has a key file of its own, which the other leaves alone.
  for (const server of [first, second]) assert.equal((await askRoute(first, "ready", server.userKey, {})).status, 200);
});

test("nobody locks everybody out: neither the key in use nor the one of the key file can be revoked", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { key, token } = await call(server, "createKey", { kind: "user", name: "a colleague" });
  const { keys } = await call(server, "listKeys", {});
  const colleague = { ...server, userKey: token };
  const locals = keys.filter(({ name }) => name === "local");
  assert.deepEqual(locals.map(({ kind }) => kind).toSorted(), ["daemon", "user"]);
  for (const { id } of locals) await assert.rejects(call(colleague, "revokeKey", { id }), /409.*conflict.*key file/);
  await assert.rejects(call(colleague, "revokeKey", { id: key.id }), /409.*conflict.*with this key/);
  await assert.rejects(call(server, "createKey", { kind: "user", name: "local" }), /400.*invalid_request/);
  await assertWorks(server, colleague);
});

test("the key of a task ends with its run", async () => {
  await using world = await newWorld();
  const { server, own } = world;
  assert.equal((await askRoute(server, "getTask", own.taskToken, { id: own.taskId })).status, 200);
  const { key } = await revokeTaskKey(server, own.runId);
  assert.equal(key.contractId, own.contractId);
  assert.equal((await askRoute(server, "getTask", own.taskToken, { id: own.taskId })).status, 401);
  await call(server, "createContract", contract);
});

async function revokeTaskKey(server: RunningServer, runId: string) {
  const { keys } = await call(server, "listKeys", { all: "true" });
  return call(server, "revokeKey", { id: keys.find((key) => key.runId === runId)?.id ?? "" });
}

async function assertWorks(...servers: RunningServer[]): Promise<void> {
  for (const server of servers) await call(server, "serverInfo", {});
}
