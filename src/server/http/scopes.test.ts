import assert from "node:assert/strict";
import { test } from "node:test";
import { LINK_PATH, LINK_SCOPES, ROUTES, SUBSCRIBE_PATH, SUBSCRIBE_SCOPES } from "../../protocol/routes.ts";
import type { RouteName, Scope } from "../../protocol/routes.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { ask, askRoute, bearer } from "../testing/ask.ts";
import { finished, started } from "../testing/data.ts";
import { call, until } from "../testing/harness.ts";
import { CALLS, newWorld } from "../testing/world.ts";
import type { World } from "../testing/world.ts";

const NAMES = Object.keys(ROUTES) as RouteName[];

interface Keys {
  /** Valid ones. */
  valid: Record<Scope, string>;
  /** null: none at all; the others are not valid any more. */
  invalid: (string | null)[];
}

/** Every kind of key; among the invalid ones that of a task whose run has ended: the other side's. */
async function keysOf({ server, daemon, own, foreign }: World): Promise<Keys> {
  const revoked = await call(server, "createKey", { kind: "user", name: "revoked" });
  await call(server, "revokeKey", { id: revoked.key.id });
  const fence = daemon.spawns.find(({ spec }) => spec.runId === foreign.runId)?.spec.fence ?? 0;
  const offset = encodeEvent(started).length;
  daemon.append({ run: foreign.runId, fence, stream: EVENTS, offset }, encodeEvent(finished()));
  await until(async () => (await call(server, "getTask", { id: foreign.taskId })).task.status === "completed");
  return {
    valid: { user: server.userKey, daemon: server.daemonKey, task: own.taskToken },
    invalid: [null, "mk_user_nonsense", revoked.token, foreign.taskToken],
  };
}

test("each route is open to the keys that the table says, and to no other", async () => {
  await using world = await newWorld({ behindProxy: true, publicUrl: "https://makima.example" });
  const { valid, invalid } = await keysOf(world);
  for (const [index, name] of NAMES.entries()) {
    const { scopes } = ROUTES[name];
    // Each route is tried from an address of its own: wrong keys are limited by address.
    const from = { "x-forwarded-for": `10.0.0.${index}` };
    const asked = async (key: string | null) => askRoute(world.server, name, key, await CALLS[name](world.own), from);
    for (const key of invalid) assert.equal((await asked(key)).status, scopes === null ? 200 : 401, `${name} ${key}`);
    for (const [kind, key] of Object.entries(valid)) {
      const allowed = scopes === null || scopes.some((scope) => scope === kind);
      const { status, error } = await asked(key);
      assert.notEqual(status, 401, `${name} ${kind}`);
      assert.equal(error?.message === `The key of a ${kind} may not do this`, !allowed, `${name} ${kind} ${status}`);
      if (!allowed) assert.equal(status, 403);
    }
  }
});

test("so are the WebSockets", async () => {
  await using world = await newWorld();
  const { valid, invalid } = await keysOf(world);
  const upgrade = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const handshake = { ...upgrade, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  const sockets: [string, readonly Scope[]][] = [
    [SUBSCRIBE_PATH, SUBSCRIBE_SCOPES],
    [LINK_PATH, LINK_SCOPES],
  ];
  for (const [path, scopes] of sockets) {
    const url = `${world.server.url}${path}`;
    for (const key of invalid) {
      const headers = { ...handshake, ...(key === null ? {} : bearer(key)) };
      assert.equal((await ask(url, { headers })).status, 401, `${path} ${key}`);
    }
    for (const [kind, key] of Object.entries(valid)) {
      const allowed = scopes.some((scope) => scope === kind);
      // Without the headers of an upgrade it is the guard alone that decides, and then there is no socket to open.
      const { status, error } = await ask(url, { headers: bearer(key) });
      assert.deepEqual(
        [status, error?.code],
        allowed ? [400, "invalid_request"] : [403, "forbidden"],
        `${path} ${kind}`,
      );
    }
  }
});

test("a task's key gets nothing of another contract, whatever the route", async () => {
  await using world = await newWorld();
  const { server, own, foreign } = world;
  const secrets = [foreign.contractId, foreign.taskId, foreign.runId, foreign.questionId];
  for (const name of NAMES) {
    const { scopes, path } = ROUTES[name];
    const { status, text } = await askRoute(server, name, own.taskToken, await CALLS[name](foreign));
    if (scopes !== null && path.includes(":id")) assert.ok([403, 404].includes(status), `${name} ${status} ${text}`);
    if (status !== 200) continue;
    for (const secret of secrets) assert.ok(!text.includes(secret), `${name} shows ${secret}`);
  }
  const lists: [RouteName, string][] = [
    ["listContracts", own.contractId],
    ["listTasks", own.taskId],
    ["listQuestions", own.questionId],
  ];
  for (const [name, id] of lists) {
    const { status, text } = await askRoute(server, name, own.taskToken, {});
    assert.equal(status, 200);
    assert.ok(text.includes(id), `${name} shows its own`);
    for (const secret of secrets) assert.ok(!text.includes(secret), `${name} shows ${secret}`);
  }
});
